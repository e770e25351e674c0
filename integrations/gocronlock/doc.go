// Package gocronlock runs the jobs of several gocron schedulers once: with a
// lock for each run of a job, or with one scheduler as the leader of all.
//
//	locker, err := gocronlock.NewLocker(client)
//	...
//	scheduler, err := gocron.NewScheduler(gocron.WithDistributedLocker(locker))
//
// A [Locker] takes a lock under the job's name before each run, by one try: who
// comes too late does not run the job this time. It spreads the jobs over the
// nodes. An [Elector] holds one lock for as long as its process lives, and all
// jobs run there. gocron asks only the elector where it has both.
//
// # How long a run keeps others out
//
// The clocks of nodes differ, and so does the moment at which each of them gets
// to a job. A job that is done in a millisecond would be run again by the node
// that comes a millisecond later. So a run keeps the lock for at least
// [DefaultHold] from its start, also if its process ends, and for longer while
// it goes on. That time has to be
//
//   - longer than the moments at which the nodes begin one and the same run lie
//     apart: clocks, load, garbage collection;
//   - shorter than the job's period, by as much again and by 3 s more on
//     DynamoDB, whose answers tell the time in whole seconds and from clocks
//     that may differ by half of one. Otherwise the next run is refused too.
//
// The default of 5 s fits periods from about 10 s on. Set another with
// [HoldAtLeast], for single jobs with a locker of their own:
// gocron.WithDistributedJobLocker. Jobs by gocron.DurationJob count from the
// start of their scheduler, so the nodes' moments lie anywhere in the period: a
// start time (gocron.WithStartAt) brings them together, or a hold of the period
// less that margin makes up for it.
//
// # What gocron does not tell a job
//
// A job goes on when its lock is lost, say because the store could not be
// reached for a whole lease: gocron has no way to say so. A job that must end
// then takes its context from [Locker.Context] or [Elector.Context].
//
// Facts about gocron are those of github.com/go-co-op/gocron/v2 v2.21.2:
// executor.go, runJob, calls Lock and Unlock around each run, both with the
// job's context, which ends when the job is removed or the scheduler is shut
// down while the run still goes on; and ignores what Unlock answers.
package gocronlock
