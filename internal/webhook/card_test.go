package webhook_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// accept posts a group of alerts whose cards change, and returns its only message.
func (w whole) accept(tb testing.TB, to string, alerts ...string) webhook.AcceptedMessage {
	tb.Helper()
	got := postTo(tb, w, "alertmanager", "type=template_card&resolve=update&to_user="+to, group(alerts...), nil)
	if got.status != http.StatusAccepted || len(got.accepted.Messages) != 1 {
		tb.Fatalf("status %d: %s", got.status, got.body)
	}
	return got.accepted.Messages[0]
}

// card posts a firing alert, and returns the id of its card once that has ended.
func (w whole) card(tb testing.TB, to string, alerts ...string) string {
	tb.Helper()
	id := w.accept(tb, to, alerts...).ID
	waittest.Until(tb, "card "+id+" has ended", func() bool {
		r, err := w.FinderOf("ops").Message(tb.Context(), id)
		return err == nil && r.State.Final()
	})
	return id
}

// concluded waits until a message no longer waits.
func (w whole) concluded(tb testing.TB, id string) {
	tb.Helper()
	waittest.Until(tb, id+" is sent, or is not needed", func() bool {
		return w.Redis.Exists(tb.Context(), keys.WebhookWaiting("ops", id)).Val() == 0
	})
}

// looks are a member's cards in their present form: title, and the remaining buttons.
func (w whole) looks(to string) []string {
	var looks []string
	for _, m := range w.WeCom.Messages() {
		if !slices.Contains(m.To, to) {
			continue
		}
		look := m.Title
		if strings.Contains(m.UpdateBody, `"button":{"replace_name":"已恢复"}`) {
			look += ", 已恢复"
		}
		looks = append(looks, look)
	}
	return looks
}

func TestTheEndOfAnAlertChangesItsCards(t *testing.T) {
	t.Parallel()
	w := newWhole(t, testConfig())
	first := w.card(t, "alice", "disk")
	second := w.card(t, "alice", "disk", "net")
	third := w.card(t, "alice", "!disk", "net") // not the end: the last notification will not name disk
	end := w.accept(t, "alice", "!net")
	if end.Updates != third || len(slices.Compact([]string{first, second, third, end.ID})) != 4 {
		t.Errorf("the end updates %q, want the last of %s, %s and %s", end.Updates, first, second, third)
	}
	if twin := w.accept(t, "alice", "!net"); !twin.Duplicate || twin.ID != end.ID || twin.Updates != third {
		t.Errorf("the second of a pair gets %+v, want a duplicate of %+v", twin, end)
	}
	again := w.accept(t, "alice", "net since=noon") // while the cards change
	w.concluded(t, end.ID)
	w.concluded(t, again.ID)
	w.concluded(t, w.accept(t, "alice", "!net since=noon").ID)
	want := []string{"告警 disk, 已恢复", "告警 disk, net, 已恢复", "恢复 net", "恢复 net"}
	waittest.Until(t, "the older cards have changed as well", func() bool { return strings.Contains(w.looks("alice")[1], "已恢复") })
	if diff := cmp.Diff(want, w.looks("alice")); diff != "" {
		t.Errorf("cards (-want +got):\n%s", diff)
	}
}

func TestTheEndOfAnAlertWhoseCardCannotChangeIsAMessage(t *testing.T) {
	t.Parallel()
	w := newWhole(t, testConfig())
	fault := func(api, content string, code wecom.Code) {
		if err := w.WeCom.AddFault(wecomtest.Fault{API: api, ErrCode: code, Match: &wecomtest.Match{Content: content}}); err != nil {
			t.Fatal(err)
		}
	}
	record := func(id string) string { return keys.Record("ops", id) }
	nothing := func(string) {}
	cases := map[string]struct { // by the alert's name, which is also the member's
		lose func(card string)
		want []string
	}{
		"used": {func(id string) { // by a client that bypassed the queue
			code := w.Redis.HGet(t.Context(), record(id), "response_code").Val()
			mine := message.UpdateTemplateCardRequest{AtAll: 1, ResponseCode: code, Button: &message.CardReplaceButton{ReplaceName: "Mine"}}
			if _, err := w.Client("ops").UpdateTemplateCard(mine); err != nil {
				t.Error(err)
			}
		}, []string{"告警 used", "恢复 used"}},
		"old": {func(id string) {
			w.Redis.HIncrBy(t.Context(), record(id), "finished_at", -message.ResponseCodeLife.Milliseconds())
		}, []string{"告警 old", "恢复 old"}},
		"without":   {func(id string) { w.Redis.HDel(t.Context(), record(id), "response_code") }, []string{"告警 without", "恢复 without"}},
		"refused":   {nothing, []string{"告警 refused", "恢复 refused"}},
		"forbidden": {nothing, []string{"告警 forbidden", "恢复 forbidden"}},
		"rejected":  {nothing, []string{"恢复 rejected"}},
	}
	fault(message.APIUpdateTemplateCard, "恢复 refused", 42045)
	fault(message.APIUpdateTemplateCard, "恢复 forbidden", 48002) // the update is held, and retried for days
	fault(message.APISend, "告警 rejected", 42014)
	ends := map[string]string{}
	for name, tc := range cases {
		tc.lose(w.card(t, name, name))
		ends[name] = w.accept(t, name, "!"+name).ID
	}
	for name, tc := range cases {
		w.concluded(t, ends[name])
		waittest.Until(t, "the message about the end of "+name, func() bool { return len(w.looks(name)) >= len(tc.want) })
		if diff := cmp.Diff(tc.want, w.looks(name)); diff != "" {
			t.Errorf("%s: cards (-want +got):\n%s", name, diff)
		}
	}
}

// updating changes cards, and collects messages beyond the first.
func updating() webhook.Config {
	cfg := testConfig()
	cfg.Type, cfg.Resolve, cfg.Digest.After = message.TypeTemplateCard, webhook.ResolveUpdate, 1
	return cfg
}

// cardOf posts alerts, and returns the response for their only message.
func (b *bundle) cardOf(tb testing.TB, to string, alerts ...string) webhook.AcceptedMessage {
	tb.Helper()
	got := b.post(tb, "alertmanager", "to_user="+to, group(alerts...), nil)
	if len(got.accepted.Messages) != 1 || got.accepted.Digested != 0 {
		tb.Fatalf("answer %s, want one message", got.body)
	}
	return got.accepted.Messages[0]
}

func TestWhoeverGotTheBeginningInADigestGetsTheEndInAMessage(t *testing.T) {
	t.Parallel()
	b := newBundle(t, updating())
	b.cardOf(t, "alice,bob", "x")
	b.post(t, "alertmanager", "to_user=alice,bob", group("x", "y"), nil) // in a digest
	got := b.post(t, "alertmanager", "to_user=alice,bob", group("!x", "!y"), nil)
	if got.accepted.Digested != 2 || len(got.accepted.Messages) != 0 {
		t.Errorf("answer %s, want the end in the digests as well", got.body)
	}
}

func TestTheEndOfAlertsWithCardsCountsForNoDigest(t *testing.T) {
	t.Parallel()
	b := newBundle(t, updating())
	card := b.cardOf(t, "alice", "x")
	for range 2 { // the second time as the twin of the first
		if end := b.cardOf(t, "alice", "!x"); end.Updates != card.ID {
			t.Errorf("answer %+v, want an update of %s", end, card.ID)
		}
	}
}

func TestWhatFiresAgainWaitsForTheCardsToChange(t *testing.T) {
	t.Parallel()
	cfg := updating()
	cfg.Digest.After = 0
	b := newBundle(t, cfg)
	card := b.cardOf(t, "alice", "x").ID
	b.queue.updates = map[string]tasks.State{card: tasks.Sending}
	end := b.cardOf(t, "alice", "!x").ID
	again := b.cardOf(t, "alice", "x since=noon")
	b.flush(t)
	if again.WaitsFor != end || len(b.queue.all()) != 1 {
		t.Errorf("answer %+v and %d messages, want the first alone, and that this one waits for %s", again, len(b.queue.all()), end)
	}
	b.queue.updates[card] = tasks.Accepted
	b.pass(time.Minute)
	b.flush(t)
	b.pass(time.Minute)
	b.flush(t)
	if got := len(b.queue.all()); got != 2 {
		t.Errorf("%d messages, want both cards", got)
	}
	if end := b.cardOf(t, "alice", "!x since=noon"); end.Updates != again.ID {
		t.Errorf("answer %+v, want an update of %s", end, again.ID)
	}
}

func TestOtherRecipientsHaveOtherCards(t *testing.T) {
	t.Parallel()
	b := newBundle(t, updating())
	b.cardOf(t, "alice", "x")
	if end := b.cardOf(t, "carol", "!x"); end.Updates != "" {
		t.Errorf("answer %+v, want a message to carol", end)
	}
}

func TestAlertsThatWereLeftOutMayStillFire(t *testing.T) {
	t.Parallel()
	cfg := updating()
	cfg.Digest.After = 0
	b := newBundle(t, cfg)
	card := b.cardOf(t, "alice", "x", "y")
	got := b.post(t, "alertmanager", "to_user=alice", strings.Replace(group("!x"), "{", `{"truncatedAlerts":1,`, 1), nil)
	if len(got.accepted.Messages) != 1 || got.accepted.Messages[0].Updates != "" {
		t.Errorf("answer %s, want a message", got.body)
	}
	if end := b.cardOf(t, "alice", "!x", "!y"); end.Updates != card.ID {
		t.Errorf("answer %+v, want an update of %s", end, card.ID)
	}
}

func TestTheNewestCardDecidesWhetherAMessageIsSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		older, newer tasks.State // of the updates; none for a card that cannot change
		messages     int         // besides the two cards
		waits        bool
	}{
		"both change":                      {older: tasks.Accepted, newer: tasks.Accepted},
		"the older one cannot":             {older: tasks.None, newer: tasks.Accepted},
		"the update of the older failed":   {older: tasks.Rejected, newer: tasks.Partial},
		"the update of the older is tried": {older: tasks.Queued, newer: tasks.Accepted},
		"the newer one cannot":             {older: tasks.Accepted, newer: tasks.None, messages: 1},
		"the update of the newer failed":   {older: tasks.Accepted, newer: tasks.Expired, messages: 1},
		"the update of the newer is tried": {older: tasks.Accepted, newer: tasks.Sending, waits: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := updating()
			cfg.Digest.After = 0
			b := newBundle(t, cfg)
			older, newer := b.cardOf(t, "alice", "x").ID, b.cardOf(t, "alice", "x", "y").ID
			b.queue.updates = map[string]tasks.State{older: tc.older, newer: tc.newer}
			id := b.cardOf(t, "alice", "!x", "!y").ID
			b.flush(t)
			if twin := b.cardOf(t, "alice", "!x", "!y").ID; twin != id { // of a pair, after the decision
				t.Errorf("the second of a pair is %s, want %s", twin, id)
			}
			b.pass(time.Minute)
			b.flush(t)
			waits := b.rdb.Exists(t.Context(), keys.WebhookWaiting("ops", id)).Val() == 1
			if got := len(b.queue.all()); got != 2+tc.messages || waits != tc.waits {
				t.Errorf("%d messages, waits: %t; want %d beside the cards, waits: %t", got, waits, tc.messages, tc.waits)
			}
			for card, want := range map[string]string{older: `"button":{"replace_name":"已恢复"}`, newer: `"title":"恢复 x, y"`} {
				update, updated := b.queue.changes[card]
				if updated && (!strings.Contains(update, `"atall":1`) || !strings.Contains(update, want)) {
					t.Errorf("update %s, want %s for everyone", update, want)
				}
			}
		})
	}
}

func TestACardThatIsToChangeHasButtonsForLinks(t *testing.T) {
	t.Parallel()
	b := newBundle(t, updating())
	id := b.cardOf(t, "alice", "x").ID
	request, ok := b.queue.all()[0].Request.(message.SendTemplateCardRequest)
	if !ok {
		t.Fatalf("message %+v, want a card", b.queue.all()[0].Request)
	}
	card, err := json.Marshal(request.TemplateCard)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"card_type":"button_interaction","source":{"desc":"Alertmanager"},"task_id":"` + id + `"`,
		`"button_list":[{"type":1,"text":"Alertmana…","url":"http://am-1:9093"`,
	} {
		if !strings.Contains(string(card), want) {
			t.Errorf("card %s, want %s", card, want)
		}
	}
}

func TestOnlyCardsChange(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	alice := message.Recipients{Users: []string{"alice"}}
	yes := route(t, `update="yes"`, alice)
	yes.Type, yes.Resolve = message.TypeTemplateCard, webhook.ResolveUpdate
	cfg.Routes, cfg.Resolve = []webhook.Route{yes, {To: alice}}, webhook.ResolveUpdate
	for query, want := range map[string]bool{
		"update=yes ": true, "update=yes resolve=message": false, "update=yes type=text": false, "": false, " type=template_card": true,
	} {
		b := newBundle(t, cfg)
		labels, parameters, _ := strings.Cut(query, " ")
		b.post(t, "alertmanager", parameters, group("x "+labels), nil)
		got := b.post(t, "alertmanager", parameters, group("!x "+labels), nil)
		if len(got.accepted.Messages) != 1 || want != (got.accepted.Messages[0].Updates != "") {
			t.Errorf("%q: answer %s, want an update: %t", query, got.body, want)
		}
	}
	b := newBundle(t, cfg)
	if got := b.post(t, "alertmanager", "resolve=never", group("x"), nil); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "message, update") {
		t.Errorf("%d %s, want 422", got.status, got.body)
	}
}
