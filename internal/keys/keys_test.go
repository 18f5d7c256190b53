package keys_test

import (
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/keys"
)

func TestKeysAreAsTheyAlwaysWere(t *testing.T) {
	t.Parallel()
	// These names are in the Redis of every user: a change needs a migration.
	for got, want := range map[string]string{
		keys.Token("ops", "c"):         "wecomq:{ops}:token:c",
		keys.TokenLock("ops", "c"):     "wecomq:{ops}:token:c:lock",
		keys.TokenFailure("ops", "c"):  "wecomq:{ops}:token:c:failure",
		keys.Pace("ops"):               "wecomq:{ops}:pace",
		keys.Window("ops", "a"):        "wecomq:{ops}:window:a",
		keys.Plan("ops", "a"):          "wecomq:{ops}:turns:a",
		keys.BroadcastsSent("ops"):     "wecomq:{ops}:broadcasts:sent",
		keys.Quota("ops", "20782"):     "wecomq:{ops}:quota:20782",
		keys.Record("ops", "ops-1"):    "wecomq:{ops}:record:ops-1",
		keys.MsgID("ops", "m1"):        "wecomq:{ops}:msgid:yg3yyVqhRMHQ_y_zyPln_Q",
		keys.UnhashedMsgID("ops", "m"): "wecomq:{ops}:msgid:m",

		keys.Records("ops"):                              "wecomq:{ops}:records",
		keys.Results("ops"):                              "wecomq:{ops}:results",
		keys.Minutes("ops", "490000"):                    "wecomq:{ops}:minutes:490000",
		keys.Dead("ops"):                                 "wecomq:{ops}:dead",
		keys.Payload("ops", "ops-1"):                     "wecomq:{ops}:payload:ops-1",
		keys.IdempotencyKey("ops", "ops-1"):              "wecomq:{ops}:key:ops-1",
		keys.Same("ops", "a1"):                           "wecomq:{ops}:same:a1",
		keys.MediaContent("ops", "c0"):                   "wecomq:{ops}:media:content:c0",
		keys.MediaKept("ops"):                            "wecomq:{ops}:media:kept",
		keys.MediaBytes("ops"):                           "wecomq:{ops}:media:bytes",
		keys.MediaUpload("ops", "u0"):                    "wecomq:{ops}:media:upload:u0",
		keys.MediaLock("ops", "u0"):                      "wecomq:{ops}:media:upload:u0:lock",
		keys.WebhookSeen("ops", "h"):                     "wecomq:{ops}:webhook:seen:h",
		keys.WebhookWindow("ops", "5/60000", "user:bob"): "wecomq:{ops}:webhook:window:5/60000:user:bob",
		keys.WebhookDigest("ops", "5/60000", "user:bob"): "wecomq:{ops}:webhook:digest:5/60000:user:bob",
		keys.WebhookClosedDigest("ops", "01J"):           "wecomq:{ops}:webhook:closed:01J",
		keys.WebhookLast("ops", "g"):                     "wecomq:{ops}:webhook:last:g",
		keys.WebhookCards("ops", "g"):                    "wecomq:{ops}:webhook:cards:g",
		keys.NotifyPlace("ops", "app"):                   "wecomq:{ops}:notify:place:app",
		keys.NotifyLease("ops", "token builds"):          "wecomq:{ops}:notify:turn:token builds",
		keys.WebhookWaiting("ops", "ops-1"):              "wecomq:{ops}:webhook:waiting:ops-1",
		keys.WebhookDue("ops"):                           "wecomq:{ops}:webhook:due",
	} {
		if got != want {
			t.Errorf("key %s, want %s", got, want)
		}
		if !strings.Contains(got, "{ops}") {
			t.Errorf("key %s is not in the slot of its app", got)
		}
	}
	if got := keys.Budget("builds"); got != "wecomq:budget:builds" {
		t.Errorf("key %s, want wecomq:budget:builds", got)
	}
	if got := keys.EndedSession("s"); got != "wecomq:session:ended:s" {
		t.Errorf("key %s, want wecomq:session:ended:s", got)
	}
	if got := keys.Dequeued("ops:bulk", "s"); got != "wecomq:{ops:bulk}:dequeued:s" {
		t.Errorf("key %s is not in the slot of its queue", got)
	}
	if got := keys.Senders("ops:bulk"); got != "wecomq:{ops:bulk}:senders" {
		t.Errorf("key %s is not in the slot of its queue", got)
	}
	if got := keys.All("ops"); got != "wecomq:{ops}:*" {
		t.Errorf("pattern %s, want wecomq:{ops}:*", got)
	}
	if got := keys.Ready("ops:bulk"); got != "wecomq:{ops:bulk}:ready" {
		t.Errorf("key %s is not in the slot of its queue", got)
	}
	if got := keys.Ready(""); got != "wecomq:ready" {
		t.Errorf("key %s, want wecomq:ready", got)
	}
}
