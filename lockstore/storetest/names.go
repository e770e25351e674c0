package storetest

import (
	"fmt"
	"strings"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// names are keys and owners that a user may choose and a store may confuse.
func names() []string {
	return []string{
		"x", strings.Repeat("x", 2047), strings.Repeat("x", 2047) + "y", strings.Repeat("é", 1024),
		"job", "job/", "job/1", "job/10", "/job", "job//1", "JOB", "Job",
		"a", "a b", "a  b", " a b", "a b ", "a\tb", "a\nb", "a\r\nb", "a\n", "a\x00b", "a\x01", "a\x1f", "a\x7f",
		"1", "01", "1.0", "1e0", "true", "null", "nil", "''", `""`, `"`, `\`, `\n`, "%", "a%", "a_", "_", "*", "?", "[a]",
		"#k", ":v", "key", "owner", "; DROP TABLE", "${x}", "<&>", "a#b", "a|b", "a=b", "a,b", "a:b", "a;b",
		"\u00e9", "e\u0301", // é composed and decomposed: two names
		"\u212b", "\u00c5", // Ångström sign and letter
		"ß", "ss", "ﬁ", "fi", "İ", "i", "日本", "🔒", "\u200b", "a\u200b", "\ufeffa", "\U0010ffff",
	}
}

// Two keys that a store takes for one are two locks that exclude each other,
// or one lock that does not exclude.
func testKeys(r *rig) {
	for i, key := range names() {
		w := lockstore.Write{
			If: lockstore.All(lockstore.Absent{}),
			Do: []lockstore.Change{lockstore.SetOwner(fmt.Sprint("of ", i)), lockstore.SetSeq(int64(i) + 1)},
		}
		if res := r.write(r.stores[i%2], key, w); !res.Applied {
			r.Errorf("key %.40q is taken for that of %s", key, show(res.Record))
		}
	}
	for i, key := range names() {
		want := &lockstore.Record{Owner: fmt.Sprint("of ", i), Seq: int64(i) + 1}
		if d := diff(r.get(r.stores[1-i%2], key), want); d != "" {
			r.Errorf("key %.40q: %s", key, d)
		}
	}
	for i, key := range names() { // and they can be taken out one by one
		w := lockstore.Write{If: lockstore.All(lockstore.SeqIs(i + 1)), Delete: true}
		if res := r.write(r.stores[i%2], key, w); !res.Applied {
			r.Errorf("key %.40q was deleted with another one", key)
		}
	}
}

// By its owner's name a process resumes what it held before it was restarted.
func testOwners(r *rig) {
	key := r.key()
	all := names()
	for i, owner := range all {
		r.build(r.stores[0], key, lockstore.SetOwner(owner), lockstore.SetSession(owner),
			lockstore.SetLast{Nonce: nonce1, How: lockstore.HowReleased, By: owner})
		want := &lockstore.Record{
			Owner: owner, Session: owner, Last: &lockstore.Last{Nonce: nonce1, How: lockstore.HowReleased, By: owner},
		}
		other := all[(i+1)%len(all)]
		no := lockstore.Write{If: lockstore.Any(lockstore.Case{lockstore.OwnerIs(other)}, lockstore.Case{lockstore.SessionIs(other)}), Delete: true}
		r.wantStored(r.stores[0], key, r.write(r.stores[1], key, no), false, want)
		yes := lockstore.Write{If: lockstore.All(lockstore.OwnerIs(owner), lockstore.SessionIs(owner)), Delete: true}
		r.wantStored(r.stores[0], key, r.write(r.stores[1], key, yes), true, nil)
	}
}
