// Package run starts a command under a lock and sees to its end: it forwards
// signals, gives the command the terminal, and, when the lock is about to be
// lost, ends everything that the command started before another may have the
// lock ([Supervise]).
//
// The command gets a process group of its own (a job object on Windows). So a
// signal of the terminal reaches it once, and TERM and KILL reach what it
// started too, save for processes that left the group (setsid) and, for a
// group, those of another user (sudo forwards TERM by itself).
package run
