package otellock_test

import (
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/otellock"
	"github.com/kmdeveloping/dynalock/internal/enginetest"
)

// What the engine reports is told as it is; what a refused write was charged is
// estimated from the item that is there, one unit for each KB.
func TestCapacity(t *testing.T) {
	o := newLab(t)
	db := enginetest.Client(t)
	table := enginetest.Table(t, db)
	a := dynalock.NewDynalockClient(db, table, o.ClientOption())
	b := dynalock.NewDynalockClient(db, table, o.ClientOption())
	t.Cleanup(func() { must(t, a.Close(bg)); must(t, b.Close(bg)) })

	reported, estimated := otellock.EstimatedAttribute.Bool(false), otellock.EstimatedAttribute.Bool(true)
	reads, writes := otellock.CapacityAttribute.String("read"), otellock.CapacityAttribute.String("write")
	const units = "dynalock.request.consumed_capacity"
	l, err := a.AcquireLock(bg, "k", dynalock.WithLease(time.Hour), dynalock.WithData(make([]byte, 2500)))
	must(t, err)
	o.want(3, units, step("acquire"), writes, reported)
	o.want(0, units, estimated)
	if _, err := b.AcquireLock(bg, "k"); err == nil {
		t.Fatal("two have the lock")
	}
	o.want(3, units, step("acquire"), writes, estimated)
	if _, err := b.AcquireLock(bg, "k", dynalock.WithData(make([]byte, 4500))); err == nil {
		t.Fatal("two have the lock")
	}
	o.want(3+5, units, step("acquire"), writes, estimated)
	_, err = b.GetLock(bg, "k")
	must(t, err)
	o.want(1, units, step("get"), reads, reported)
	for _, err := range b.Locks(bg) {
		must(t, err)
	}
	o.want(0.5, units, step("scan"), reads, reported)
	o.want(1, "dynalock.request.duration", step("scan"), outcome("ok"))
	must(t, l.Release(bg))
	o.want(3, units, step("release"), writes, reported)
	o.want(0, units, step("get"), writes)
}

// A store that charges nothing tells no units.
func TestNoCapacity(t *testing.T) {
	o := newLab(t)
	pair(t, memoryClient(t, o.ClientOption()))
	o.want(2, "dynalock.request.duration")
	o.want(0, "dynalock.request.consumed_capacity")
}
