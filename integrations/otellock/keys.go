package otellock

import (
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
)

// Values of the key's attribute that are no keys.
const (
	// KeyOther stands for the keys beyond the bound of [WithKeys].
	KeyOther = "_OTHER"
	// KeySession stands for the records by which a client renews several live
	// locks at once. Their keys are random.
	KeySession = "_SESSION"
)

// sessions begin the client's own keys, after the prefix that
// dynalock.WithSessionKeyPrefix set.
const sessions = "dynalock:session:"

func session(key string) bool { return strings.Contains(key, sessions) }

// keys are those that have time series of their own.
type keys struct {
	most int

	mu    sync.Mutex
	known map[string]struct{}
}

func newKeys(most int) *keys { return &keys{most: most, known: map[string]struct{}{}} }

// bounded is the attribute of a key in metrics.
func (k *keys) bounded(key string) attribute.KeyValue {
	if session(key) {
		return KeyAttribute.String(KeySession)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.known[key]; !known {
		if len(k.known) >= k.most {
			return KeyAttribute.String(KeyOther)
		}
		k.known[key] = struct{}{}
	}
	return KeyAttribute.String(key)
}
