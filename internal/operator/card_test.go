package operator_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/audit/audittest"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// card is a card with a button.
func card(to string) message.SendTemplateCardRequest {
	return message.SendTemplateCardRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: to},
		TemplateCard: message.TemplateCardField{
			CardType: message.CardButtonInteraction, TaskID: "apr-1", MainTitle: &message.CardMainTitle{Title: "Purchase"},
			ButtonList: []message.CardButton{{Text: "Approve", Key: "ok"}},
		},
	}
}

// become is the update that turns a card into a notice with this title.
func become(title string) message.UpdateTemplateCardRequest {
	return message.UpdateTemplateCardRequest{TemplateCard: &message.TemplateCardField{
		CardType: message.CardTextNotice, MainTitle: &message.CardMainTitle{Title: title},
		CardAction: &message.CardAction{Type: message.JumpURL, URL: "https://example.com"},
	}}
}

// until waits for the end of a message, and returns its record.
func (b *bundle) until(id string) (r tasks.Record) {
	b.Helper()
	waittest.Until(b.T, "the end of "+id, func() bool {
		var err error
		if r, err = b.FinderOf("ops").Message(b.Context(), id); err != nil {
			b.Fatal(err)
		}
		return r.State.Final()
	})
	return r
}

// sentCard sends a card with a real worker.
func (b *bundle) sentCard(to string) tasks.Record {
	b.Helper()
	r := b.until(b.Send("ops", card(to), producer.Options{Priority: tasks.Critical}).ID)
	if !r.State.Sent() {
		b.Fatalf("the card is %s: %s", r.State, r.ErrMsg)
	}
	return r
}

func (b *bundle) fault(f wecomtest.Fault) {
	b.Helper()
	if err := b.WeCom.AddFault(f); err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) change(id string, u message.UpdateTemplateCardRequest) tasks.Receipt {
	b.Helper()
	receipt, err := b.operator.UpdateCard(b.Context(), id, u, "")
	if err != nil {
		b.Fatal(err)
	}
	return receipt
}

// wantUsedBy expects another update to have the code, and returns its state.
func (b *bundle) wantUsedBy(update, id string, u message.UpdateTemplateCardRequest) tasks.State {
	b.Helper()
	_, err := b.operator.UpdateCard(b.Context(), id, u, "")
	used, ok := errors.AsType[*ledger.CodeUsedError](err)
	if !ok || used.Update != update || time.Since(used.At) > time.Hour || !operator.IsGone(err) {
		b.Fatalf("error %v, want that update %s has the code", err, update)
	}
	return used.State
}

func TestACardChangesOnce(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Start(daemon.Config{Worker: true})
	sent := b.sentCard("chen.li")
	receipt := b.change(sent.ID, become("Approved"))
	if receipt.Duplicate || receipt.State != tasks.Queued || receipt.Queue != "ops:critical" {
		t.Errorf("receipt %+v, want a new update in the card's queue", receipt)
	}
	r := b.until(receipt.ID)
	if r.State != tasks.Accepted || r.Type != tasks.CardUpdateType || r.UpdateOf != sent.ID || r.Attempts != 1 {
		t.Errorf("record %+v, want an accepted update of %s", r, sent.ID)
	}
	if of := b.until(sent.ID); of.UpdatedAs != receipt.ID || of.UpdatedAt.IsZero() {
		t.Errorf("the card's record %+v, want updated_as %s", of, receipt.ID)
	}
	if seen := b.WeCom.Messages(); len(seen) != 1 || !seen[0].Updated || seen[0].Title != "Approved" {
		t.Errorf("messages %+v, want one, changed", seen)
	}
	if again := b.change(sent.ID, become("Approved")); !again.Duplicate || again.ID != receipt.ID || again.State != tasks.Accepted {
		t.Errorf("the repeat is %+v, want a duplicate of %s", again, receipt.ID)
	}
	if state := b.wantUsedBy(receipt.ID, sent.ID, become("Rejected")); state != tasks.Accepted {
		t.Errorf("the update is %s, want accepted", state)
	}
	if sums := audittest.Balanced(t, b.Redis, "ops"); sums[0].Enqueued != 1 || sums[0].Messages != 2 {
		t.Errorf("books %+v, want one recipient, in two messages: an update is no message to anybody", sums[0])
	}
}

func TestAnUpdateForSomeSaysWhoseCardStays(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Start(daemon.Config{Worker: true})
	sent := b.sentCard("chen.li|zhao")
	u := message.UpdateTemplateCardRequest{UserIDs: []string{"Zhao", "stranger"}, Button: &message.CardReplaceButton{ReplaceName: "Done"}}
	r := b.until(b.change(sent.ID, u).ID)
	if r.State != tasks.Partial || r.Recipients.Accepted != 1 || strings.Join(r.Recipients.Invalid, " ") != "stranger" {
		t.Errorf("record %+v, want it partial, without the stranger", r)
	}
	if _, err := b.operator.Replay(t.Context(), r.ID); !errors.Is(err, ledger.ErrNotReplayable) {
		t.Errorf("replay: error %v, want that an update cannot be replayed", err)
	}
	audittest.Balanced(t, b.Redis, "ops")
}

func TestACardInPartsChangesInParts(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Start(daemon.Config{Worker: true})
	users := make([]string, message.MaxUsers+1)
	for i := range users {
		users[i] = "u" + strconv.Itoa(i)
	}
	sent := b.sentCard(strings.Join(users, "|"))
	receipt := b.change(sent.ID, become("Closed"))
	r := b.until(receipt.ID)
	if receipt.Parts != 2 || r.State != tasks.Accepted || len(r.Parts) != 2 || r.UpdateOf != sent.ID || r.Parts[1].UpdateOf != sent.ID+".2" {
		t.Errorf("receipt %+v, record %+v; want two parts, accepted", receipt, r)
	}
	for _, m := range b.WeCom.Messages() {
		if m.Title != "Closed" {
			t.Errorf("part %d is %q still", m.Seq, m.Title)
		}
	}
	if of := b.until(sent.ID); of.UpdatedAs != receipt.ID {
		t.Errorf("the card was updated as %q, want %s", of.UpdatedAs, receipt.ID)
	}
	if again := b.change(sent.ID, become("Closed")); !again.Duplicate || again.ID != receipt.ID {
		t.Errorf("the repeat is %+v, want a duplicate", again)
	}
	if state := b.wantUsedBy(receipt.ID+".2", sent.ID+".2", become("Closed")); state != tasks.Accepted {
		t.Errorf("the second part of the update is %s, want accepted", state)
	}
	audittest.Balanced(t, b.Redis, "ops")
}

func TestWhatCannotChange(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	waiting := b.Send("ops", card("chen.li"), producer.Options{Delay: time.Hour}).ID
	b.Start(daemon.Config{Worker: true})
	notice := card("chen.li")
	notice.TemplateCard = *become("Notice").TemplateCard
	b.fault(wecomtest.Fault{API: "message/send", ErrCode: 42031, Match: &wecomtest.Match{ToUser: "nobody"}})
	old, recalled := b.sentCard("chen.li").ID, b.sentCard("chen.li").ID
	b.Redis.HIncrBy(t.Context(), keys.Record("ops", old), "finished_at", -73*time.Hour.Milliseconds())
	if result, err := b.operator.Recall(t.Context(), recalled); err != nil || result.Failed() > 0 {
		t.Fatalf("recall: %+v, %v", result, err)
	}
	for name, tc := range map[string]struct {
		id   string
		u    message.UpdateTemplateCardRequest
		want error
		says string
	}{
		"nobody knows it":  {id: tasks.NewID("ops"), u: become("x"), want: lookup.ErrNotFound},
		"not sent yet":     {id: waiting, u: become("x"), want: operator.ErrNotSentYet, says: "is scheduled"},
		"a text":           {id: b.until(b.send("chen.li", producer.Options{}).ID).ID, u: become("x"), want: operator.ErrNoCode, says: "only a template_card changes"},
		"no response_code": {id: b.until(b.Send("ops", notice, producer.Options{}).ID).ID, u: become("x"), want: operator.ErrNoCode, says: "WeCom gave no response_code"},
		"rejected":         {id: b.until(b.Send("ops", card("nobody"), producer.Options{}).ID).ID, u: become("x"), want: operator.ErrNoCode, says: "it is rejected"},
		"recalled":         {id: recalled, u: become("x"), want: operator.ErrNoCode, says: "it was recalled"},
		"too old":          {id: old, u: become("x"), want: nil, says: "73h0m0s ago, and WeCom changes a card within 72h0m0s only"},
		"no content":       {id: old, want: nil, says: "set either button or template_card"},
		"a response_code":  {id: old, u: message.UpdateTemplateCardRequest{ResponseCode: "x"}, want: nil, says: "leave it out"},
	} {
		_, err := b.operator.UpdateCard(t.Context(), tc.id, tc.u, "")
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v, want %v, %q", name, err, tc.want, tc.says)
		}
		_, invalid := errors.AsType[*message.ValidationError](err)
		if gone := !invalid && !errors.Is(err, operator.ErrNotSentYet); operator.IsGone(err) != gone {
			t.Errorf("%s: the card is gone: %t, want %t", name, !gone, gone)
		}
	}
}

func TestOfManyUpdatesAtOnceOneGetsTheCode(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Start(daemon.Config{Worker: true})
	sent := b.sentCard("chen.li")
	var won atomic.Int64
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			switch _, err := b.operator.UpdateCard(t.Context(), sent.ID, become(strconv.Itoa(i)), ""); {
			case err == nil:
				won.Add(1)
			case !operator.IsGone(err):
				t.Errorf("error %v, want that the code is used", err)
			}
		})
	}
	group.Wait()
	r := b.until(b.until(sent.ID).UpdatedAs)
	if won.Load() != 1 || r.State != tasks.Accepted || r.Attempts != 1 {
		t.Errorf("%d have got the code, record %+v; want one, accepted", won.Load(), r)
	}
}

func TestARepeatHealsAClaimWhoseProcessDied(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Start(daemon.Config{Worker: true})
	full := &fullQueues{}
	b.Redis.AddHook(full)
	die := func(id, title string) { // between claim and enqueue
		full.Store(true)
		defer full.Store(false)
		if _, err := b.operator.UpdateCard(t.Context(), id, become(title), ""); err == nil {
			t.Fatal("no error, though nothing was enqueued")
		}
	}
	sent := b.sentCard("chen.li")
	die(sent.ID, "Approved")
	claimed := b.record(sent.ID).UpdatedAs
	if state := b.wantUsedBy(claimed, sent.ID, become("Rejected")); state != tasks.None { // the first may still enqueue it
		t.Errorf("the update is %s, want that it was never tried", state)
	}
	if healed := b.change(sent.ID, become("Approved")); healed.Duplicate || healed.ID != claimed {
		t.Errorf("receipt %+v, want update %s enqueued", healed, claimed)
	}
	if r := b.until(claimed); r.State != tasks.Accepted {
		t.Errorf("record %+v, want it accepted", r)
	}
	// It is never repeated: another update takes the code after a while.
	other := b.sentCard("chen.li")
	die(other.ID, "Approved")
	b.Redis.HIncrBy(t.Context(), keys.Record("ops", other.ID), "updated_at", -2*time.Minute.Milliseconds())
	if r := b.until(b.change(other.ID, become("Rejected")).ID); r.State != tasks.Accepted {
		t.Errorf("record %+v, want it accepted", r)
	}
}

func TestAnUpdateThatFailedLeavesTheCode(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.Start(daemon.Config{Worker: true})
	sent := b.sentCard("chen.li")
	b.fault(wecomtest.Fault{API: message.APIUpdateTemplateCard, ErrCode: 42045, Times: 1})
	first := b.until(b.change(sent.ID, become("Approved")).ID)
	second := b.until(b.change(sent.ID, become("Approved")).ID)
	if first.State != tasks.Rejected || second.State != tasks.Accepted || first.ID == second.ID {
		t.Errorf("first %+v, second %+v; want one rejected, then another accepted", first, second)
	}
	// With a key, the repetition finds the one that failed.
	keyed := b.sentCard("chen.li").ID
	b.fault(wecomtest.Fault{API: message.APIUpdateTemplateCard, ErrCode: 42045, Times: 1})
	for _, repeated := range []bool{false, true} {
		receipt, err := b.operator.UpdateCard(t.Context(), keyed, become("Approved"), "key")
		if err != nil || receipt.Duplicate != repeated || b.until(receipt.ID).State != tasks.Rejected {
			t.Errorf("receipt %+v, error %v; want one update, rejected", receipt, err)
		}
	}
	// A code that WeCom calls used is used, whichever client used it.
	other := b.sentCard("chen.li")
	b.fault(wecomtest.Fault{API: message.APIUpdateTemplateCard, ErrCode: 60140, Times: 1})
	refused := b.until(b.change(other.ID, become("Approved")).ID)
	if refused.State != tasks.Rejected || b.wantUsedBy(refused.ID, other.ID, become("x")) != tasks.Rejected {
		t.Errorf("record %+v, want it rejected", refused)
	}
}

func TestAnUpdateWithoutAnAnswerIsRepeatedUntilThereIsOne(t *testing.T) {
	t.Parallel()
	for name, taken := range map[string]bool{"WeCom took it": true, "WeCom did not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundleOf(t, daemontest.Config{})
			b.Start(daemon.Config{Worker: true})
			sent := b.sentCard("chen.li")
			b.fault(wecomtest.Fault{API: message.APIUpdateTemplateCard, Reset: true, After: taken, Times: 1})
			r := b.until(b.change(sent.ID, become("Approved")).ID)
			says := strings.Contains(r.ErrMsg, "an earlier attempt of this update")
			if r.State != tasks.Accepted || r.Attempts != 2 || r.PossibleDuplicate || says != taken {
				t.Errorf("record %+v, want it accepted by the second attempt", r)
			}
			if seen := b.WeCom.Messages(); !seen[0].Updated {
				t.Error("the card is what it was")
			}
			audittest.Balanced(t, b.Redis, "ops")
		})
	}
}
