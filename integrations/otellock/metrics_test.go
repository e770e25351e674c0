package otellock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/dynalocktest"
	"github.com/kmdeveloping/dynalock/integrations/otellock"
)

func outcome(s string) attribute.KeyValue { return otellock.OutcomeAttribute.String(s) }
func step(s string) attribute.KeyValue    { return otellock.StepAttribute.String(s) }

// A lock that is taken, held for a while and released.
func TestPair(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t)
		c := table.Client(o.ClientOption(attribute.String("aws.dynamodb.table_names", "locks")))
		l, err := c.AcquireLock(bg, "k")
		must(t, err)
		time.Sleep(3 * time.Second)
		must(t, l.Release(bg))
		o.want(1, "dynalock.acquire.duration", outcome("acquired"), otellock.WaitedAttribute.Bool(false),
			otellock.LiveAttribute.Bool(false), attribute.String("aws.dynamodb.table_names", "locks"))
		o.want(1, "dynalock.release.duration", outcome("ok"))
		o.want(1, "dynalock.held.duration", outcome("released"))
		o.between(3, 3.1, "dynalock.held.duration")
		o.want(1, "dynalock.request.duration", step("acquire"), outcome("ok"))
		o.want(1, "dynalock.request.duration", step("release"), outcome("ok"))
		for _, none := range []string{
			"dynalock.wait.duration", "dynalock.contentions", "dynalock.takeovers", "dynalock.losses",
			"dynalock.waiter.count", "dynalock.live_lock.count",
		} {
			o.want(0, none)
		}
	})
}

// Whoever meets a held lock is one contention, whether or not he waits.
func TestContention(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t)
		l, err := table.Client().AcquireLock(bg, "k", dynalock.KeepAlive())
		must(t, err)
		c := table.Client(o.ClientOption())
		if _, err := c.AcquireLock(bg, "k"); err == nil {
			t.Fatal("two have the lock")
		}
		o.want(1, "dynalock.contentions")
		o.want(1, "dynalock.acquire.duration", outcome("held"))
		o.want(1, "dynalock.request.duration", step("acquire"), outcome("refused"))

		got := make(chan error, 1)
		go func() {
			_, err := c.AcquireLock(bg, "k", dynalock.Wait())
			got <- err
		}()
		time.Sleep(10 * time.Second)
		o.want(1, "dynalock.waiter.count")
		o.want(2, "dynalock.contentions")
		must(t, l.Release(bg))
		must(t, <-got)
		o.want(0, "dynalock.waiter.count")
		o.want(1, "dynalock.wait.duration", outcome("acquired"))
		o.between(10, 12, "dynalock.wait.duration")
	})
}

// Those who wait for a lock of their own client are waiters too, and count down
// however their wait ends.
func TestWaitersOfOneClient(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t)
		c := table.Client(o.ClientOption())
		l, err := c.AcquireLock(bg, "k", dynalock.KeepAlive(), dynalock.Wait())
		must(t, err)
		ctx, cancel := context.WithCancel(bg)
		defer cancel()
		ends := make(chan error, 3)
		for range 3 {
			go func() {
				l, err := c.AcquireLock(ctx, "k", dynalock.KeepAlive(), dynalock.Wait())
				if err == nil {
					cancel()
					err = l.Release(bg)
				}
				ends <- err
			}()
		}
		time.Sleep(time.Second)
		o.want(3, "dynalock.waiter.count")
		o.want(1, "dynalock.live_lock.count")
		must(t, l.Release(bg))
		for range 3 {
			<-ends
		}
		synctest.Wait()
		o.want(0, "dynalock.waiter.count")
		o.want(0, "dynalock.live_lock.count")
		o.want(1, "dynalock.wait.duration", outcome("acquired"))
		o.want(2, "dynalock.wait.duration", outcome("held")) // they gave up
	})
}

func TestTakeover(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t)
		_, err := table.Client().AcquireLock(bg, "k")
		must(t, err)
		table.Expire("k")
		_, err = table.Client(o.ClientOption()).AcquireLock(bg, "k", dynalock.WaitFor(time.Minute))
		must(t, err)
		o.want(1, "dynalock.takeovers")
		o.want(1, "dynalock.request.duration", step("take over"), outcome("ok"))
	})
}

// Live locks are counted while they are held, however they come and end.
func TestLiveLocks(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t)
		a := table.Client(dynalock.WithLockOwnerName("a"), o.ClientOption())
		_, err := table.Client(dynalock.WithLockOwnerName("a")).AcquireLock(bg, "resumed")
		must(t, err)
		_, err = a.ResumeLock(bg, "resumed", dynalock.KeepAlive())
		must(t, err)
		take := func(key string, opts ...dynalock.AcquireOption) *dynalock.Lock {
			l, err := a.AcquireLock(bg, key, opts...)
			must(t, err)
			return l
		}
		take("durable")
		forced, done := take("forced", dynalock.KeepAlive()), take("done", dynalock.KeepAlive())
		take("open", dynalock.KeepAlive())
		o.want(4, "dynalock.live_lock.count")
		time.Sleep(time.Minute)
		o.want(4, "dynalock.live_lock.count")
		table.Force("forced", "operator")
		must(t, done.Release(bg))
		o.want(3, "dynalock.live_lock.count")
		_ = forced.Update(bg, nil) // notices
		<-forced.Done()
		synctest.Wait()
		o.want(2, "dynalock.live_lock.count")
		o.want(1, "dynalock.losses", otellock.ReasonAttribute.String("forced"), otellock.LiveAttribute.Bool(true))
		must(t, a.Close(bg))
		synctest.Wait()
		o.want(0, "dynalock.live_lock.count")
		// The session that renewed them is no lock.
		o.want(3, "dynalock.held.duration", outcome("released"))
		o.want(3, "dynalock.release.duration")
	})
}

// A release that fails and is repeated ends the lock's count once.
func TestReleaseRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t)
		c := table.Client(o.ClientOption())
		l, err := c.AcquireLock(bg, "k", dynalock.KeepAlive(), dynalock.WithLease(time.Hour))
		must(t, err)
		table.Down()
		if l.Release(bg) == nil {
			t.Fatal("released without a table")
		}
		o.want(0, "dynalock.live_lock.count")
		o.want(1, "dynalock.release.duration", outcome("failed"), otellock.LiveAttribute.Bool(true))
		o.want(0, "dynalock.held.duration")
		table.Up()
		must(t, l.Release(bg))
		o.want(0, "dynalock.live_lock.count")
		o.want(1, "dynalock.release.duration", outcome("ok"))
		o.want(1, "dynalock.held.duration", outcome("released"))
	})
}

// A loss that only the release finds out is a loss, and no release.
func TestLossFoundByRelease(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t)
		l, err := table.Client(o.ClientOption()).AcquireLock(bg, "k", dynalock.KeepAlive())
		must(t, err)
		table.TakeOver("k", "b")
		if l.Release(bg) == nil {
			t.Fatal("released what another has")
		}
		synctest.Wait()
		o.want(1, "dynalock.losses", otellock.ReasonAttribute.String("taken over"))
		o.want(1, "dynalock.held.duration", outcome("lost"))
		o.want(0, "dynalock.held.duration", outcome("released"))
		o.want(0, "dynalock.live_lock.count")
	})
}

// While nothing answers, the lag of the renewals rises, in parts of the lease
// too, before the lock is lost.
func TestRenewals(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t)
		l, err := table.Client(o.ClientOption()).AcquireLock(bg, "k", dynalock.KeepAlive(), dynalock.WithLease(30*time.Second))
		must(t, err)
		time.Sleep(time.Minute)
		if n, _ := o.of("dynalock.renewal.duration", outcome("ok")); n < 5 || n > 7 {
			t.Errorf("%v renewals in two leases", n)
		}
		o.want(0, "dynalock.renewal.duration", outcome("failed"))
		o.between(0, 0.1, "dynalock.renewal.lag")
		if late := o.beyond("dynalock.renewal.lag_ratio", 0.01); late != 0 {
			t.Errorf("%d renewals were late in peace", late)
		}
		table.Down()
		<-l.Done()
		synctest.Wait()
		if n, _ := o.of("dynalock.renewal.duration", outcome("failed"), attribute.String("error.type", "unavailable")); n < 2 {
			t.Errorf("%v failures told", n)
		}
		if o.beyond("dynalock.renewal.lag_ratio", 0.5) == 0 {
			t.Errorf("no lag over half of the lease before the loss: %+v", o.points("dynalock.renewal.lag_ratio"))
		}
		o.want(1, "dynalock.losses", otellock.ReasonAttribute.String("expired"))
		table.Up()
	})
}

func TestFailedAcquire(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t)
		c := table.Client(o.ClientOption())
		table.Down()
		if _, err := c.AcquireLock(bg, "k"); err == nil {
			t.Fatal("acquired without a table")
		}
		table.Up()
		o.want(1, "dynalock.acquire.duration", outcome("failed"), attribute.String("error.type", "unavailable"))
		if n, _ := o.of("dynalock.request.duration", outcome("failed"), step("acquire")); n < 1 {
			t.Error("no request failed")
		}
	})
}

// The longest wait is told while it lasts, and the right one ends with a call.
func TestLongestWait(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t, otellock.WithKeys(10))
		holder := table.Client()
		for _, key := range []string{"k", "other"} {
			_, err := holder.AcquireLock(bg, key)
			must(t, err)
		}
		c := table.Client(o.ClientOption())
		patient, cancel := context.WithCancel(bg)
		defer cancel()
		wait := func(ctx context.Context, key string, opt dynalock.AcquireOption) {
			go func() { _, _ = c.AcquireLock(ctx, key, opt) }()
		}
		key := otellock.KeyAttribute.String
		const longest = "dynalock.waiter.longest"
		wait(patient, "k", dynalock.Wait())
		time.Sleep(20 * time.Second)
		wait(bg, "k", dynalock.WaitFor(20*time.Second))
		wait(bg, "other", dynalock.WaitFor(5*time.Second))
		time.Sleep(4 * time.Second)
		o.want(24, longest, key("k"))
		o.want(4, longest, key("other"))
		time.Sleep(26 * time.Second)
		o.want(50, longest, key("k")) // the second has ended
		o.want(0, longest, key("other"))
		wait(bg, "k", dynalock.WaitFor(20*time.Second))
		time.Sleep(10 * time.Second)
		cancel() // the first ends
		synctest.Wait()
		o.want(10, longest, key("k"))
		time.Sleep(30 * time.Second)
		if p := o.points(longest); len(p) != 0 {
			t.Errorf("nobody waits, and the longest wait is %v", p)
		}
	})
}

// What may become of a lock has time series before it does: a counter that
// appears with 1 has not risen for Prometheus.
func TestZeroSeries(t *testing.T) {
	bubble(t, func(t *testing.T, table *dynalocktest.Table) {
		o := newLab(t, otellock.WithKeys(10))
		c := table.Client(o.ClientOption())
		if n := len(o.points("dynalock.losses")); n != 0 {
			t.Errorf("%d series before the first lock", n)
		}
		_, err := c.AcquireLock(bg, "k")
		must(t, err)
		reasons := map[string]bool{}
		for _, p := range o.points("dynalock.losses") {
			v, _ := p.attrs.Value(otellock.ReasonAttribute)
			k, _ := p.attrs.Value(otellock.KeyAttribute)
			reasons[v.AsString()] = p.n == 0 && k.AsString() == "k"
		}
		for _, why := range []dynalock.Reason{dynalock.ReasonExpired, dynalock.ReasonTakenOver, dynalock.ReasonGone} {
			if !reasons[string(why)] {
				t.Errorf("no series for %q: %v", why, o.points("dynalock.losses"))
			}
		}
		if p := o.points("dynalock.takeovers"); len(p) != 1 || p[0].n != 0 {
			t.Errorf("takeovers: %v", p)
		}
	})
}
