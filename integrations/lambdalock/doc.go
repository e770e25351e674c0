// Lambdalock is an AWS Lambda function that holds a lock: it imports price
// lists, one at a time, and goes on with a list where an invocation died.
//
// It is an example, to be read and copied; README.md has the reasons, and
// template.yaml and main.tf what it needs in an account.
//
//   - The lock is durable and its owner is the list, not the execution
//     environment: a retry of the same event has the same owner name, and resumes.
//   - Its lease reaches to the invocation's deadline and a little further, so
//     nothing has to be renewed, and another list gets it soon after a timeout.
//   - Progress is kept as the lock's data.
//   - Each write to the prices is fenced, for a request of a dead or frozen
//     environment may arrive later.
package main
