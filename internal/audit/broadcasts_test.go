package audit_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// aBroadcast creates one to four members, each with words of their own.
func aBroadcast(t *testing.T, d *daemontest.Deployment) *broadcast.Broadcast {
	t.Helper()
	template, err := compose.TextTemplate(message.TypeText, "hello {{.name}}")
	if err != nil {
		t.Fatal(err)
	}
	list, err := compose.Compile(t.Context(), strings.NewReader("userid,name\na,1\nb,2\nc,3\nd,4\n"), template, compose.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = list.Close() }()
	b, _, err := d.Broadcasts(d.App("ops")).Create(t.Context(), broadcast.Draft{Spec: broadcast.Spec{Template: template}, List: list})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheBooksOfABroadcastAreProved(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Rules: wecomtest.Rules{Invisible: []string{"b"}, Unlicensed: []string{"c"}}})
	books := func() audit.Result {
		t.Helper()
		result, err := d.Auditor(d.App("ops")).Audit(t.Context(), audit.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	b := aBroadcast(t, d)
	want := audit.Sums{App: "ops", Broadcasts: 1, Enqueued: 4, Pending: 4}
	if diff := cmp.Diff([]audit.Sums{want}, books().Apps); diff != "" {
		t.Errorf("before it is sent (-want +got):\n%s", diff)
	}
	d.Start(daemon.Config{Worker: true})
	waittest.Until(t, "it is finished", func() bool {
		now, err := d.Broadcasts(d.App("ops")).Get(t.Context(), b.ID)
		return err == nil && now.State == broadcast.Finished
	})
	want.Accepted, want.Invalid, want.Unlicensed, want.Pending = 2, 1, 1, 0
	if diff := cmp.Diff([]audit.Sums{want}, books().Apps); diff != "" {
		t.Errorf("after it was sent (-want +got):\n%s", diff)
	}

	key, done := keys.Broadcast("ops", b.ID), keys.BroadcastDone("ops", b.ID)
	outcomes := keys.BroadcastOutcomes("ops", b.ID, "0")
	for name, tc := range map[string]struct {
		spoil, repair func(redis.Pipeliner)
		told          []string
	}{
		"a sum that was edited": {
			func(p redis.Pipeliner) { p.HIncrBy(t.Context(), key, "accepted", 1) },
			func(p redis.Pipeliner) { p.HIncrBy(t.Context(), key, "accepted", -1) },
			[]string{"its states add up to 5", "2 recipients are accepted by the outcomes of its calls, its sum says 3"},
		},
		"sums that were edited alike": {
			func(p redis.Pipeliner) {
				p.HIncrBy(t.Context(), key, "accepted", 1)
				p.HIncrBy(t.Context(), key, "invalid", -1)
			},
			func(p redis.Pipeliner) {
				p.HIncrBy(t.Context(), key, "accepted", -1)
				p.HIncrBy(t.Context(), key, "invalid", 1)
			},
			[]string{"2 recipients are accepted", "1 recipients are invalid"},
		},
		"a mark that is lost": {
			func(p redis.Pipeliner) { p.SetBit(t.Context(), done, 2, 0) },
			func(p redis.Pipeliner) { p.SetBit(t.Context(), done, 2, 1) },
			[]string{"4 calls have ended, 3 are marked as ended", "block 0: call 2 has an outcome and is not marked as ended"},
		},
		"an outcome that is lost": {
			func(p redis.Pipeliner) { p.LMove(t.Context(), outcomes, outcomes+":away", "RIGHT", "LEFT") },
			func(p redis.Pipeliner) { p.LMove(t.Context(), outcomes+":away", outcomes, "LEFT", "RIGHT") },
			[]string{"is marked as ended and has no outcome", "by the outcomes of its calls"},
		},
		"a block that is lost": {
			func(p redis.Pipeliner) { p.Rename(t.Context(), key+":blocks", key+":away") },
			func(p redis.Pipeliner) { p.Rename(t.Context(), key+":away", key+":blocks") },
			[]string{"0 blocks of recipients are there of 1", "block 0 is no longer in Redis"},
		},
	} {
		change := func(how func(redis.Pipeliner)) {
			if _, err := d.Redis.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
				how(p)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		change(tc.spoil)
		result := books()
		change(tc.repair)
		var texts []string
		for _, f := range result.Findings {
			texts = append(texts, f.Text)
			if f.ID != b.ID || f.Kind != audit.Off || f.Queue != "ops:bulk" {
				t.Errorf("%s: finding %+v", name, f)
			}
		}
		for _, told := range tc.told {
			if !strings.Contains(strings.Join(texts, "\n"), told) {
				t.Errorf("%s: %q does not tell %q", name, texts, told)
			}
		}
	}
	if result := books(); result.Imbalance != 0 {
		t.Errorf("once all is repaired: %+v", result.Findings)
	}
}
