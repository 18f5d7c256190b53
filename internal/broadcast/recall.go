package broadcast

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

// Recaller takes a message back from WeCom's clients; [*message.Client] is one.
type Recaller interface {
	RecallContext(ctx context.Context, request message.RecallRequest) (*message.RecallResponse, error)
}

// Recall is how far the recall of a broadcast is, in calls.
type Recall struct {
	ID       string `json:"id"`
	Recalled int    `json:"recalled" doc:"Calls that were taken back"`
	Failed   int    `json:"failed" doc:"Calls that WeCom did not take back, or that are over 24 h old"`
	Left     int    `json:"left" doc:"Outcomes that were not looked at yet; repeat the request to go on"`
	// Problems are the first twenty of this run.
	Problems []RecallProblem `json:"problems"`
}

// RecallProblem is a call that could not be taken back.
type RecallProblem struct {
	MsgID   string `json:"msgid"`
	ErrCode int64  `json:"errcode,omitempty"`
	Reason  string `json:"reason"`
}

const (
	// recallsAtOnce is how many calls of message/recall are in flight.
	recallsAtOnce = 8
	// maxRecallProblems is how many problems are told.
	maxRecallProblems = 20
	// errTooOld is WeCom's errcode for a message of over [message.RecallWindow].
	errTooOld wecom.Code = 42052
)

// Recall takes back what WeCom's clients have got of a broadcast within the last 24 hours;
// whoever was not reached is cancelled first. It goes on where an earlier one ended,
// and with what has been sent since. The result is how far it came, also with an error,
// which may be that of ctx.
func (d *Desk) Recall(ctx context.Context, id, actor string, progress func(Recall)) (Recall, error) {
	b, err := d.Get(ctx, id)
	if err == nil && !b.State.Over() {
		b, err = d.Cancel(ctx, id, actor)
	}
	if err != nil {
		return Recall{}, err
	}
	recaller, err := d.Recaller()
	if err != nil {
		return Recall{}, err
	}
	r := &recalling{store: d.Store, broadcast: b, recaller: recaller, progress: progress}
	if err := r.open(ctx); err != nil {
		return Recall{}, err
	}
	for block := range b.Blocks {
		if err := r.block(ctx, block); err != nil {
			return r.result, err
		}
	}
	return r.result, nil
}

// recalling is one run of a recall.
type recalling struct {
	store     *Store
	broadcast *Broadcast
	recaller  Recaller
	progress  func(Recall)
	seen      map[string]string // of each block, how many fates were looked at
	result    Recall
}

// open reads how far earlier runs came.
func (r *recalling) open(ctx context.Context) error {
	s, id := r.store, r.broadcast.ID
	var seen *redis.MapStringStringCmd
	ended := make([]*redis.IntCmd, r.broadcast.Blocks)
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		seen = p.HGetAll(ctx, keys.BroadcastRecalled(s.app, id))
		for block := range ended {
			ended[block] = p.LLen(ctx, keys.BroadcastFates(s.app, id, strconv.Itoa(block)))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("recall %s: %w", id, err)
	}
	if _, err := s.clock.Now(ctx); err != nil {
		return fmt.Errorf("recall %s: %w", id, err)
	}
	r.seen = seen.Val()
	r.result = Recall{ID: id, Recalled: r.number("recalled"), Failed: r.number("failed"), Problems: []RecallProblem{}}
	for block, fates := range ended {
		r.result.Left += int(fates.Val()) - r.number(strconv.Itoa(block))
	}
	return nil
}

func (r *recalling) number(field string) int {
	n, _ := strconv.Atoi(r.seen[field]) // absent is zero
	return n
}

// block recalls the calls of a block, a few at once.
func (r *recalling) block(ctx context.Context, block int) error {
	s, id := r.store, r.broadcast.ID
	first := r.number(strconv.Itoa(block))
	texts, err := s.rdb.LRange(ctx, keys.BroadcastFates(s.app, id, strconv.Itoa(block)), int64(first), -1).Result()
	if err != nil {
		return fmt.Errorf("recall %s: %w", id, err)
	}
	for len(texts) > 0 {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n := min(recallsAtOnce, len(texts))
		if err := r.several(ctx, block, texts[:n]); err != nil {
			return err
		}
		texts = texts[n:]
	}
	return nil
}

// recallOutcome is what became of one call; broken is an error after which no other is
// made.
type recallOutcome struct {
	sent    bool
	problem *RecallProblem
	broken  error
}

// several recalls at once, and remembers those before the first that broke off.
func (r *recalling) several(ctx context.Context, block int, texts []string) error {
	outcomes := make([]recallOutcome, len(texts))
	var all sync.WaitGroup
	for i, text := range texts {
		all.Go(func() { outcomes[i] = r.one(ctx, text) })
	}
	all.Wait()
	var broken error
	recalled, failed, looked := 0, 0, 0
	for _, o := range outcomes {
		if broken = o.broken; broken != nil {
			break
		}
		looked++
		switch {
		case o.problem != nil:
			failed++
			if len(r.result.Problems) < maxRecallProblems {
				r.result.Problems = append(r.result.Problems, *o.problem)
			}
		case o.sent:
			recalled++
		}
	}
	r.result.Recalled, r.result.Failed, r.result.Left = r.result.Recalled+recalled, r.result.Failed+failed, r.result.Left-looked
	if r.progress != nil {
		r.progress(r.result)
	}
	return errors.Join(broken, r.remember(context.WithoutCancel(ctx), block, looked, recalled, failed))
}

// remember notes how far it came.
func (r *recalling) remember(ctx context.Context, block, looked, recalled, failed int) error {
	key := keys.BroadcastRecalled(r.store.app, r.broadcast.ID)
	_, err := r.store.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HIncrBy(ctx, key, strconv.Itoa(block), int64(looked))
		p.HIncrBy(ctx, key, "recalled", int64(recalled))
		p.HIncrBy(ctx, key, "failed", int64(failed))
		p.PExpire(ctx, key, max(r.store.keep, message.RecallWindow))
		return nil
	})
	if err != nil {
		return fmt.Errorf("recall %s: %w", r.broadcast.ID, err)
	}
	return nil
}

// one recalls a call that WeCom has.
func (r *recalling) one(ctx context.Context, text string) recallOutcome {
	f, err := readFate(text)
	if err != nil {
		return recallOutcome{broken: err}
	}
	if !f.state.Sent() || f.msgid == "" {
		return recallOutcome{}
	}
	age := r.store.clock.Latest().Sub(r.broadcast.CreatedAt.Add(f.after))
	if age > message.RecallWindow {
		return recallOutcome{problem: &RecallProblem{f.msgid, int64(errTooOld), fmt.Sprintf("it was sent %s ago", age.Round(time.Minute))}}
	}
	_, err = r.recaller.RecallContext(ctx, message.RecallRequest{MsgID: f.msgid})
	if err == nil {
		return recallOutcome{sent: true}
	}
	refused, ok := errors.AsType[*wecom.Error](err)
	if !ok || !isFinal(refused.Code) {
		return recallOutcome{broken: fmt.Errorf("recall %s: %w", f.msgid, err)}
	}
	return recallOutcome{problem: &RecallProblem{f.msgid, int64(refused.Code), err.Error()}}
}

// isFinal reports whether WeCom would say the same again of this message, and nothing of
// others.
func isFinal(code wecom.Code) bool {
	switch code.Class() {
	case wecom.ClassContent, wecom.ClassRecipient, wecom.ClassOther:
		return true
	default:
		return false
	}
}
