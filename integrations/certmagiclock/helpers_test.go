package certmagiclock_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"github.com/kmdeveloping/dynalock"
	"github.com/kmdeveloping/dynalock/integrations/certmagiclock"
	"github.com/kmdeveloping/dynalock/lockstore/faultstore"
	"github.com/kmdeveloping/dynalock/memstore"
)

var bg = context.Background()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A cluster is machines with one table of locks, one folder of certificates and
// one authority, in fake time.
type cluster struct {
	t     *testing.T
	table *memstore.Store
	files string
	ca    *authority
}

func bubble(t *testing.T, f func(*testing.T, *cluster)) {
	t.Helper()
	files := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		f(t, &cluster{t: t, table: memstore.New(), files: files, ca: newAuthority(t)})
	})
}

// A machine has its own way to the table, and certmagic's own configuration.
type machine struct {
	*certmagiclock.Locker
	net    *faultstore.Store
	client *dynalock.Client
	certs  *certmagic.Config
}

func (c *cluster) machine(name string) *machine {
	c.t.Helper()
	m := &machine{net: faultstore.New(c.table)}
	m.client = dynalock.New(m.net, dynalock.WithLockOwnerName(name))
	locker, err := certmagiclock.New(m.client)
	must(c.t, err)
	m.Locker = locker
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return m.certs, nil },
		Logger:           zap.NewNop(),
	})
	m.certs = certmagic.New(cache, certmagic.Config{
		Storage: locker.Storage(&certmagic.FileStorage{Path: c.files}),
		Issuers: []certmagic.Issuer{c.ca},
		Logger:  zap.NewNop(),
	})
	c.t.Cleanup(func() {
		cache.Stop()
		m.net.Up()
		must(c.t, m.client.Close(bg))
		m.net.Close()
	})
	return m
}

// An authority signs what it is asked to; an order takes 5 s.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate

	mu     sync.Mutex
	fail   int // so many orders
	orders int
	now    int
	most   int // at once
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return &authority{key: key, cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
	}}
}

func (a *authority) IssuerKey() string { return "test" }

func (a *authority) Issue(ctx context.Context, r *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	if fails := a.begin(); fails {
		defer a.end()
		return nil, errors.New("the authority is out of order")
	}
	defer a.end()
	select {
	case <-time.After(5 * time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: r.DNSNames,
		NotBefore: time.Now(), NotAfter: time.Now().Add(90 * 24 * time.Hour),
	}, a.cert, r.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return &certmagic.IssuedCertificate{Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, nil
}

func (a *authority) begin() (fails bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.orders++
	a.now++
	a.most = max(a.most, a.now)
	a.fail--
	return a.fail >= 0
}

func (a *authority) end() {
	a.mu.Lock()
	a.now--
	a.mu.Unlock()
}

func (a *authority) want(t *testing.T, orders int) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.orders != orders {
		t.Errorf("%d orders, want %d", a.orders, orders)
	}
}

func name(i int) string { return fmt.Sprintf("host%d.example.com", i) }
