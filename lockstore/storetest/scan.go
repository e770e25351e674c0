package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// What an operator lists is what is there: each record once, with prefixes
// that mean nothing but themselves. It has a table of its own.
func testScan(r *rig) {
	a, b := r.h.Open(r.T)
	r.stores = [2]lockstore.Store{a, b}
	if items := r.scanAll(a, lockstore.Query{Consistent: true}); len(items) != 0 {
		r.Fatalf("a fresh table has %d records", len(items))
	}
	all := []string{"a", "a%", "a_", "a*", "A", "ab", "a/b", "a/c", "b", "b\n", "b\U0010ffff", "é", "e\u0301"}
	for i := range 30 {
		all = append(all, fmt.Sprintf("list/%03d", i))
	}
	for i, key := range all {
		do, _ := full()
		r.build(r.stores[i%2], key, append(do[1:], lockstore.SetOwner(key))...)
	}
	r.sub("prefixes", func(r *rig) {
		for _, prefix := range []string{"", "a", "a%", "a_", "A", "a/", "b", "list/", "list/00", "none", "e", "é", "%", "_"} {
			r.wantScan(lockstore.Query{Prefix: prefix}, all)
		}
	})
	r.sub("limits", func(r *rig) {
		for _, limit := range []int{1, 7, len(all), 1000} {
			r.wantScan(lockstore.Query{Limit: limit}, all)
			r.wantScan(lockstore.Query{Limit: limit, Prefix: "list/02"}, all)
		}
	})
	r.sub("eventually consistent", func(r *rig) {
		for _, item := range r.scanAll(a, lockstore.Query{Prefix: "a"}) { // what it shows may be old
			if !slices.Contains(all, item.Key) || !strings.HasPrefix(item.Key, "a") {
				r.Errorf("a key that was never there: %q", item.Key)
			}
		}
	})
	r.sub("while others write", func(r *rig) { scanWhileOthersWrite(r, all) })
}

// wantScan checks that each matching key comes once, as Get shows it.
func (r *rig) wantScan(q lockstore.Query, all []string) {
	r.Helper()
	var want []string
	for _, key := range all {
		if strings.HasPrefix(key, q.Prefix) {
			want = append(want, key)
		}
	}
	q.Consistent = true
	r.bothWays(func(actor, other lockstore.Store) {
		var got []string
		for _, item := range r.scanAll(actor, q) {
			got = append(got, item.Key)
			if item.Err != nil {
				r.Errorf("%q: %v", item.Key, item.Err)
			} else if d := diff(item.Record, r.get(other, item.Key)); d != "" {
				r.Errorf("%q differs from what Get shows: %s", item.Key, d)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			r.Errorf("prefix %q, limit %d: got %q, want %q", q.Prefix, q.Limit, got, want)
		}
	})
}

// scanAll reads all pages. An empty one need not be the last.
func (r *rig) scanAll(s lockstore.Store, q lockstore.Query) (items []lockstore.Item) {
	r.Helper()
	r.pages(s, q, func(page []lockstore.Item) { items = append(items, page...) })
	return items
}

func (r *rig) pages(s lockstore.Store, q lockstore.Query, f func([]lockstore.Item)) {
	r.Helper()
	for range 2_000 { // far more pages than there are records
		page, err := s.Scan(r.Context(), q)
		if err != nil {
			r.Fatalf("scan %+v: %v", q, err)
		}
		if q.Limit > 0 && len(page.Items) > q.Limit {
			r.Errorf("a page of %d records, the limit is %d", len(page.Items), q.Limit)
		}
		f(page.Items)
		if page.Next == "" {
			return
		}
		q.After = page.Next
	}
	r.Fatalf("scan %+v does not end", q)
}

// Records that come and go during a scan must not make it miss, or repeat, one
// that was there all the time; also when the one that Next names has gone.
func scanWhileOthersWrite(r *rig, all []string) {
	stays := map[string]int{}
	for _, key := range all {
		if !strings.HasPrefix(key, "list/") {
			stays[key] = 0
		}
	}
	n := 0
	r.pages(r.stores[0], lockstore.Query{Limit: 2, Consistent: true}, func(page []lockstore.Item) {
		for _, item := range page {
			if _, ok := stays[item.Key]; ok {
				stays[item.Key]++
				continue
			}
			r.write(r.stores[1], item.Key, lockstore.Write{Delete: true})
		}
		if n++; n <= 20 {
			do, _ := minimal()
			r.build(r.stores[1], fmt.Sprintf("0/%03d", n), do...)
		}
	})
	for key, times := range stays {
		if times != 1 {
			r.Errorf("%q came %d times", key, times)
		}
	}
}
