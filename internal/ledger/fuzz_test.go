package ledger_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
)

// FuzzRecord proves that any data in Redis is read as a record that can be shown.
func FuzzRecord(f *testing.F) {
	f.Add("accepted", "a|b", "", "1", "a", "", "1790000000123", "2")
	f.Add("sending", "|", "1|1", "-1", "a|a|a", "5=a|b;6=", "soon", "99999999999999999999")
	f.Add("?", "@all", "x", "9", "", ";=;", "-1", "")
	rdb := redistest.New(f)
	l := ledger.New(rdb, "ops", 0)
	const id = "ops-01JD5K3V8N0000000000000000"
	f.Fuzz(func(t *testing.T, state, users, parties, accepted, invalid, deferred, at, attempts string) {
		ctx := t.Context()
		err := rdb.HSet(ctx, keys.Record("ops", id),
			"state", state, "touser", users, "toparty", parties, "accepted", accepted, "invalid", invalid, "deferred", deferred,
			"enqueued_at", at, "finished_at", at, "attempts", attempts, "errcode", attempts, "parts", attempts).Err()
		if err != nil {
			t.Fatal(err)
		}
		record, err := l.Record(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(record); err != nil && !strings.Contains(err.Error(), "year outside of range") {
			t.Errorf("%+v: %v", record, err)
		}
	})
}
