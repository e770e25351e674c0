package sqlitetest_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/kmdeveloping/dynalock/lockstore"
	"github.com/kmdeveloping/dynalock/sqlitestore"
	"github.com/kmdeveloping/dynalock/sqlitestore/sqlitetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOpen(t *testing.T) {
	var s *sqlitestore.Store
	t.Run("a test", func(t *testing.T) {
		s = sqlitetest.Open(t)
		if other := sqlitetest.Open(t); other.Info() == s.Info() {
			t.Errorf("two are one: %+v", s.Info())
		}
		res, err := s.Write(t.Context(), "key", lockstore.Write{Do: []lockstore.Change{lockstore.SetOwner("o")}})
		if err != nil || !res.Applied {
			t.Errorf("%+v, %v", res, err)
		}
		if _, err := os.Stat(s.Info().Scope); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Get(t.Context(), "key", lockstore.Consistent); err == nil {
		t.Error("it is still open after the test")
	}
	if _, err := os.Stat(s.Info().Scope); !os.IsNotExist(err) {
		t.Errorf("its file is still there: %v", err)
	}
}
