package dynamostore_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kmdeveloping/dynalock/lockstore"
)

// header changes what the engine says around its answer.
func header(change func(http.Header)) fault {
	return func(_ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		response, err := send()
		if err == nil {
			change(response.Header)
		}
		return response, err
	}
}

func dated(dates ...string) fault {
	return header(func(h http.Header) { h["Date"] = dates })
}

// The lease of a holder ends by this time: in doubt there is none.
func TestServerTime(t *testing.T) {
	const good = "Sun, 06 Nov 2044 08:49:37 GMT"
	at := time.Date(2044, 11, 6, 8, 49, 37, 0, time.UTC)
	known := lockstore.TimeBounds{Earliest: at, Latest: at.Add(time.Second)}
	r := newRig(t)
	for name, tt := range map[string]struct {
		fault fault
		want  lockstore.TimeBounds
	}{
		"date":               {dated(good), known},
		"none":               {dated(), lockstore.TimeBounds{}},
		"empty":              {dated(""), lockstore.TimeBounds{}},
		"two":                {dated(good, good), lockstore.TimeBounds{}},
		"out of a cache":     {header(func(h http.Header) { h.Set("Date", good); h.Set("Age", "0") }), lockstore.TimeBounds{}},
		"no weekday":         {dated("06 Nov 2044 08:49:37 GMT"), lockstore.TimeBounds{}},
		"wrong weekday":      {dated("Mon, 06 Nov 2044 08:49:37 GMT"), lockstore.TimeBounds{}},
		"another zone":       {dated("Sunday, 06-Nov-44 08:49:37 PST"), lockstore.TimeBounds{}},
		"two digits of year": {dated("Sunday, 06-Nov-44 08:49:37 GMT"), lockstore.TimeBounds{}},
		"asctime":            {dated("Sun Nov  6 08:49:37 2044"), lockstore.TimeBounds{}},
		"fraction":           {dated("Sun, 06 Nov 2044 08:49:37.5 GMT"), lockstore.TimeBounds{}},
		"1970":               {dated("Thu, 01 Jan 1970 00:00:00 GMT"), lockstore.TimeBounds{}},
		"year 1":             {dated("Mon, 01 Jan 0001 00:00:00 GMT"), lockstore.TimeBounds{}},
		"no time":            {dated("now"), lockstore.TimeBounds{}},
	} {
		t.Run(name, func(t *testing.T) {
			r.wire.set(tt.fault)
			key := "k"
			get, err := r.store.Get(t.Context(), key, lockstore.Consistent)
			if err != nil || get.Time != tt.want {
				t.Errorf("get: %v, %v", get.Time, err)
			}
			for what, w := range map[string]lockstore.Write{
				"update": ownerOnly, "failed update": {If: lockstore.All(lockstore.OwnerIs("nobody")), Do: ownerOnly.Do}, "delete": {Delete: true},
			} {
				if res := r.write(key, w); res.Time != tt.want {
					t.Errorf("%s: %v", what, res.Time)
				}
			}
			page, err := r.store.Scan(t.Context(), lockstore.Query{})
			if err != nil || page.Time != tt.want {
				t.Errorf("scan: %v, %v", page.Time, err)
			}
		})
	}
}

// A failure of the service tells its time too; a proxy's error page has the
// proxy's.
func TestServerTimeOfFailures(t *testing.T) {
	r := newRig(t)
	for _, tt := range faults {
		r.wire.set(tt.fault)
		res, err := r.store.Write(t.Context(), "k", ownerOnly)
		get, _ := r.store.Get(t.Context(), "k", lockstore.Consistent)
		ours := strings.Contains(err.Error(), "Exception") || strings.Contains(err.Error(), "RequestLimitExceeded") ||
			strings.Contains(err.Error(), "Server") || strings.Contains(err.Error(), "Service") || strings.Contains(err.Error(), "RequestTimeout")
		if res.Time.Known() != ours || get.Time.Known() != ours {
			t.Errorf("%s: %v, %v; %v", tt.name, res.Time, get.Time, err)
		}
	}
}
