// Package emulator runs a Lambda function in AWS's Lambda runtime interface
// emulator, the program that AWS puts into its base images for local tests: it
// starts the function as a process, hands it invocations by the Runtime API, and
// kills it when its time is over.
//
// It is built from the version that testdata/emulator/go.mod pins, a module of
// its own since the emulator wants a newer Go than this repository does. It is
// tested on Linux; on macOS it builds.
//
// What it does not do is freeze the process between invocations; tests do that
// by signal.
package emulator
