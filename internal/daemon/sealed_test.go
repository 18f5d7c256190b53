package daemon_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/seal"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// Deployments with other keys share a Redis, as while a key is introduced host by host.
func TestAccessTokensLieInRedisSealed(t *testing.T) {
	t.Parallel()
	url := redistest.NewURL(t)
	keys, err := seal.Parse(base64.StdEncoding.EncodeToString(append([]byte{1}, bytes.Repeat([]byte{2}, 31)...)))
	if err != nil {
		t.Fatal(err)
	}
	weCom := daemontest.New(t, daemontest.Config{}).App("ops").APIBaseURL // of all
	for _, step := range []struct {
		keys      *seal.Keys
		sealed    bool // what lies in Redis afterwards
		complains bool
	}{
		{keys: nil},
		{keys: keys}, // the old one is used for as long as it lasts
		{keys: keys, sealed: true},
		{keys: nil, complains: true},
	} {
		d := daemontest.New(t, daemontest.Config{RedisURL: url, Change: func(c *config.Config) {
			c.Redis.EncryptionKeys, c.Apps["ops"].APIBaseURL = step.keys, weCom
		}})
		_, stop := d.Start(daemon.Config{Worker: true})
		receipt := d.Send("ops", daemontest.Text("zhangsan", "hello"), producer.Options{})
		waittest.Until(t, "it is sent", func() bool {
			r, err := d.LedgerOf("ops").Record(t.Context(), receipt.ID)
			return err == nil && r.State == tasks.Accepted
		})
		found := redistest.Keys(t, d.Redis, "wecomq:{ops}:token:*")
		if len(found) != 1 {
			t.Fatalf("tokens: %v", found)
		}
		stored := d.Redis.HGet(t.Context(), found[0], "token").Val()
		if sealed := strings.HasPrefix(stored, "sealed:"); sealed != step.sealed {
			t.Errorf("%+v: Redis has the token %s", step, stored)
		}
		if complaints := strings.Count(d.Log.String(), "the access token in Redis cannot be read"); (complaints == 1) != step.complains || complaints > 1 {
			t.Errorf("%+v: %d complaints: %s", step, complaints, d.Log)
		}
		stop()
		if step.keys != nil && !step.sealed {
			d.Redis.Del(t.Context(), found[0]) // it ends
		}
	}
}
