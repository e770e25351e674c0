package storetest_test

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// mutants are mistakes that authors of stores make.
var mutants = map[string]func() mutant{
	"takes an expiry of now as past": func() mutant {
		return mutant{before: eachTest(func(t lockstore.Test) lockstore.Test {
			if e, ok := t.(lockstore.ExpiredBefore); ok {
				return lockstore.ExpiredBefore(time.Time(e).Add(time.Millisecond))
			}
			return t
		})}
	},
	"looks at its own clock": func() mutant {
		return mutant{before: eachTest(func(t lockstore.Test) lockstore.Test {
			if _, ok := t.(lockstore.ExpiredBefore); ok {
				return lockstore.ExpiredBefore(time.Now())
			}
			return t
		})}
	},
	"leaves out tests that it does not know": func() mutant {
		return mutant{before: eachTest(func(t lockstore.Test) lockstore.Test {
			if _, err := lockstore.All(t).Holds(nil); err != nil {
				return keep
			}
			return t
		})}
	},
	"cuts nonces at 15 bytes": func() mutant {
		cut := func(n lockstore.Nonce) lockstore.Nonce { return n[:min(len(n), 15)] }
		tests := eachTest(func(t lockstore.Test) lockstore.Test {
			if n, ok := t.(lockstore.NonceIs); ok {
				return lockstore.NonceIs(cut(lockstore.Nonce(n)))
			}
			return t
		})
		sets := eachChange(func(c lockstore.Change) lockstore.Change {
			if n, ok := c.(lockstore.SetNonce); ok {
				return lockstore.SetNonce(cut(lockstore.Nonce(n)))
			}
			return c
		})
		return mutant{before: func(w *lockstore.Write) { tests(w); sets(w) }}
	},
	"deletes without a look": func() mutant {
		return mutant{before: func(w *lockstore.Write) {
			if w.Delete {
				w.If = nil
			}
		}}
	},
	"joins cases by and": func() mutant {
		return mutant{before: func(w *lockstore.Write) {
			var all lockstore.Case
			for _, c := range w.If {
				all = append(all, c...)
			}
			if len(w.If) > 1 {
				w.If = lockstore.Condition{all}
			}
		}}
	},
	"restarts tokens": func() mutant {
		return mutant{before: eachChange(func(c lockstore.Change) lockstore.Change {
			if n, ok := c.(lockstore.NextToken); ok {
				return lockstore.SetToken(n + 1)
			}
			return c
		})}
	},
	"keeps expiries in seconds": func() mutant {
		return mutant{before: eachChange(func(c lockstore.Change) lockstore.Change {
			if e, ok := c.(lockstore.SetExpires); ok && !time.Time(e).IsZero() {
				return lockstore.SetExpires(time.Time(e).Truncate(time.Second))
			}
			return c
		})}
	},
	"rounds expiries up": func() mutant {
		return mutant{before: eachChange(func(c lockstore.Change) lockstore.Change {
			if e, ok := c.(lockstore.SetExpires); ok && !time.Time(e).IsZero() {
				return lockstore.SetExpires(time.Time(e).Add(time.Millisecond - 1))
			}
			return c
		})}
	},
	"never removes an expiry": func() mutant {
		return mutant{before: func(w *lockstore.Write) {
			for i, c := range w.Do {
				if e, ok := c.(lockstore.SetExpires); ok && time.Time(e).IsZero() {
					w.Do[i] = lockstore.KeepQueue{}
				}
			}
		}}
	},
	"renewals lose the data": func() mutant {
		return mutant{before: func(w *lockstore.Write) {
			for _, c := range w.Do {
				if _, ok := c.(lockstore.NextSeq); ok {
					w.Do = append(w.Do, lockstore.SetData{})
				}
			}
		}}
	},
	"stores empty data as none": func() mutant {
		return mutant{after: onRecord(func(r *lockstore.Record) {
			if len(r.Data) == 0 {
				r.Data = nil
			}
		})}
	},
	"keeps numbers as floats": func() mutant {
		return mutant{after: onRecord(func(r *lockstore.Record) { r.Token = int64(float64(r.Token)) })}
	},
	"tells the loser nothing": func() mutant {
		return mutant{after: func(_ lockstore.Write, res *lockstore.Result, _ *error) {
			if !res.Applied {
				res.Record = nil
			}
		}}
	},
	"calls a failed condition an error": func() mutant {
		return mutant{after: func(w lockstore.Write, res *lockstore.Result, err *error) {
			if len(w.If) > 0 && !res.Applied && *err == nil {
				*err = &lockstore.Error{Kind: lockstore.ErrInvalidRequest}
			}
		}}
	},
	"tells nothing of a delete's success": func() mutant {
		return mutant{after: func(w lockstore.Write, res *lockstore.Result, _ *error) {
			if w.Delete {
				res.Applied = false
			}
		}}
	},
	"answers with the record before the write": func() mutant {
		return mutant{after: func(w lockstore.Write, res *lockstore.Result, _ *error) {
			if res.Applied && res.Record != nil {
				res.Record.Seq--
			}
		}}
	},
	"ignores case":   func() mutant { return mutant{key: strings.ToLower} },
	"trims keys":     func() mutant { return mutant{key: func(k string) string { return "." + strings.TrimSpace(k) }} },
	"cuts long keys": func() mutant { return mutant{key: func(k string) string { return k[:min(len(k), 2000)] }} },
	"ends keys at a zero": func() mutant {
		return mutant{key: func(k string) string { k, _, _ = strings.Cut(k, "\x00"); return k }}
	},
	"normalises keys": func() mutant {
		return mutant{key: func(k string) string { return strings.ReplaceAll(k, "e\u0301", "é") }}
	},
	"reads, then writes":      func() mutant { return mutant{raw: true} },
	"ignores ended contexts":  func() mutant { return mutant{deaf: true} },
	"denies what it has done": func() mutant { return mutant{late: true} },
	"has a clock of its own": func() mutant {
		return mutant{after: func(_ lockstore.Write, res *lockstore.Result, _ *error) {
			res.Time.Earliest = res.Time.Earliest.Add(time.Hour)
			res.Time.Latest = res.Time.Latest.Add(time.Hour)
		}}
	},
	"tells no time with failed conditions": func() mutant {
		return mutant{after: func(w lockstore.Write, res *lockstore.Result, _ *error) {
			if len(w.If) > 0 && !res.Applied {
				res.Time = lockstore.TimeBounds{}
			}
		}}
	},
	"hands out what it keeps": func() mutant {
		kept := map[string]*lockstore.Record{}
		var mu sync.Mutex
		return mutant{after: func(_ lockstore.Write, res *lockstore.Result, _ *error) {
			if r := res.Record; r != nil {
				id := fmt.Sprint(r.Owner, r.Nonce, r.Seq, string(r.Data))
				mu.Lock()
				defer mu.Unlock()
				if kept[id] == nil {
					kept[id] = r
				}
				res.Record = kept[id]
			}
		}}
	},
	"keeps the caller's bytes": func() mutant {
		var mu sync.Mutex
		kept := map[string][]byte{}
		return mutant{before: func(w *lockstore.Write) {
			mu.Lock()
			defer mu.Unlock()
			for _, c := range w.Do {
				if d, ok := c.(lockstore.SetData); ok && len(d.Bytes) == 7 {
					kept[string(d.Bytes)] = d.Bytes
				}
			}
		}, after: onRecord(func(r *lockstore.Record) {
			mu.Lock()
			defer mu.Unlock()
			if b, ok := kept[string(r.Data)]; ok {
				r.Data = append([]byte{}, b...)
			}
		})}
	},
	"takes a prefix as a pattern": func() mutant {
		return mutant{scan: func(q *lockstore.Query) func(*lockstore.Page) {
			q.Prefix = strings.TrimRight(q.Prefix, "%_")
			return func(*lockstore.Page) {}
		}}
	},
	"reads one page only": func() mutant {
		return mutant{scan: func(*lockstore.Query) func(*lockstore.Page) {
			return func(p *lockstore.Page) { p.Next = "" }
		}}
	},
	"repeats the last of a page": func() mutant {
		return mutant{scan: func(q *lockstore.Query) func(*lockstore.Page) {
			after := q.After
			if after != "" {
				q.After = after[:len(after)-1]
			}
			return func(*lockstore.Page) {}
		}}
	},
	"takes no heed of the limit": func() mutant {
		return mutant{scan: func(q *lockstore.Query) func(*lockstore.Page) {
			q.Limit = 0
			return func(*lockstore.Page) {}
		}}
	},
	"lists without the data": func() mutant {
		return mutant{scan: func(*lockstore.Query) func(*lockstore.Page) {
			return func(p *lockstore.Page) {
				for _, item := range p.Items {
					item.Record.Data = nil
				}
			}
		}}
	},
	"has no limit": func() mutant {
		return mutant{after: func(_ lockstore.Write, _ *lockstore.Result, err *error) {
			if e, ok := (*err).(*lockstore.Error); ok && e.Kind == lockstore.ErrDataTooLarge {
				*err = nil
			}
		}}
	},
	"none": func() mutant { return mutant{} },
}

// eachTest rewrites the tests of a condition.
func eachTest(f func(lockstore.Test) lockstore.Test) func(*lockstore.Write) {
	return func(w *lockstore.Write) {
		var c lockstore.Condition
		for _, tests := range w.If {
			var n lockstore.Case
			for _, t := range tests {
				if t = f(t); t != keep {
					n = append(n, t)
				}
			}
			c = append(c, n)
		}
		w.If = c
	}
}

// keep stands for a test that is left out.
var keep lockstore.Test = lockstore.OwnerIs("left out")

func eachChange(f func(lockstore.Change) lockstore.Change) func(*lockstore.Write) {
	return func(w *lockstore.Write) {
		for i, c := range w.Do {
			w.Do[i] = f(c)
		}
	}
}

func onRecord(f func(*lockstore.Record)) func(lockstore.Write, *lockstore.Result, *error) {
	return func(_ lockstore.Write, res *lockstore.Result, _ *error) {
		if res.Record != nil {
			f(res.Record)
		}
	}
}
