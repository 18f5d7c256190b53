// Package audittest runs an audit at the end of tests.
package audittest

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/ledger"
)

// Balanced fails the test if a recipient of the apps has no outcome, or a message is stuck. It returns the
// sums, in the order of the apps' names.
func Balanced(tb testing.TB, rdb redis.UniversalClient, apps ...string) []audit.Sums {
	tb.Helper()
	audited := make([]audit.App, len(apps))
	for i, app := range apps {
		audited[i] = audit.App{Name: app, Ledger: ledger.New(rdb, app, time.Hour), RecordTTL: time.Hour}
	}
	result, err := audit.New(rdb, audited...).Audit(tb.Context(), audit.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range result.Findings {
		tb.Errorf("%s is out of balance (%s): %s", f.ID, f.Kind, f.Text)
	}
	return result.Apps
}
