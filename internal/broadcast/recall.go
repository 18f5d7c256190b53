package broadcast

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

// Recaller recalls a message; [*message.Client] implements it.
type Recaller interface {
	RecallContext(ctx context.Context, request message.RecallRequest) (*message.RecallResponse, error)
}

// Recall is the progress of the recall of a broadcast, in calls.
type Recall struct {
	ID       string `json:"id"`
	Recalled int    `json:"recalled" doc:"Calls that were recalled"`
	Failed   int    `json:"failed" doc:"Calls that WeCom did not recall, or that are more than 24 h old"`
	Left     int    `json:"left" doc:"Outcomes not processed yet; repeat the request to continue"`
	// Problems has the first twenty of this run.
	Problems []RecallProblem `json:"problems"`
}

// RecallProblem is a call that could not be recalled.
type RecallProblem struct {
	MsgID   string `json:"msgid"`
	ErrCode int64  `json:"errcode,omitempty"`
	Reason  string `json:"reason"`
}

// ErrRecalling reports that another process or request is recalling the broadcast.
var ErrRecalling = errors.New("it is already being recalled; wait until that is finished")

const (
	// recallsAtOnce is how many calls of message/recall are in flight. If the process dies, up to that many
	// are repeated, which WeCom accepts.
	recallsAtOnce = 8
	// recallLease is the lease of a recall, which excludes other runs.
	recallLease = time.Minute
	// maxRecallProblems is how many problems are reported.
	maxRecallProblems = 20
)

// Recall recalls the messages of a broadcast from the last 24 hours; recipients not reached yet are cancelled
// first. It continues an earlier recall, and includes what was sent since. The result is the progress, even
// with an error, which may be ctx's.
func (d *Desk) Recall(ctx context.Context, id, actor string, progress func(Recall)) (result Recall, err error) {
	defer func() { activity.Record(ctx, activity.RecallBroadcast, d.app, id, err) }()
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
	pace, err := d.Pace(ctx)
	if err != nil {
		return Recall{}, err
	}
	r := &recalling{
		store: d.Store, broadcast: b, recaller: recaller, progress: progress, owner: rand.Text(),
		limiter: rate.NewLimiter(rate.Limit(pace.CallsPerMinute/60), recallsAtOnce),
	}
	if err := r.open(ctx); err != nil {
		return Recall{}, err
	}
	defer func() { _ = r.note(context.WithoutCancel(ctx), 0) }() // otherwise it expires
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
	owner     string        // of the lease
	limiter   *rate.Limiter // of calls, within the app's own limit
	looked    []int         // per block: outcomes processed by earlier runs
	left      []int         // per block: outcomes beyond them
	result    Recall
}

// open takes the lease, and reads the progress of earlier runs.
func (r *recalling) open(ctx context.Context) error {
	if err := r.note(ctx, recallLease); err != nil {
		return err
	}
	if _, err := r.store.clock.Now(ctx); err != nil {
		return fmt.Errorf("recall %s: %w", r.broadcast.ID, err)
	}
	var err error
	r.result, r.looked, r.left, err = r.store.recallOf(ctx, r.broadcast)
	return err
}

// RecallOf returns the progress of a broadcast's recall. Nothing recalled and nothing failed means that none
// was requested.
func (s *Store) RecallOf(ctx context.Context, b *Broadcast) (Recall, error) {
	result, _, _, err := s.recallOf(ctx, b)
	return result, err
}

// recallOf also returns, per block, how many outcomes were processed and how many are left.
func (s *Store) recallOf(ctx context.Context, b *Broadcast) (result Recall, looked, left []int, err error) {
	var seen *redis.MapStringStringCmd
	ended := make([]*redis.IntCmd, b.Blocks)
	_, err = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		seen = p.HGetAll(ctx, keys.BroadcastRecalled(s.app, b.ID))
		for block := range ended {
			ended[block] = p.LLen(ctx, keys.BroadcastOutcomes(s.app, b.ID, strconv.Itoa(block)))
		}
		return nil
	})
	if err != nil {
		return Recall{}, nil, nil, fmt.Errorf("recall %s: %w", b.ID, err)
	}
	number := func(field string) int {
		n, _ := strconv.Atoi(seen.Val()[field]) // absent means zero
		return n
	}
	result = Recall{ID: b.ID, Recalled: number("recalled"), Failed: number("failed"), Problems: []RecallProblem{}}
	looked, left = make([]int, b.Blocks), make([]int, b.Blocks)
	for block, outcomes := range ended {
		looked[block] = number(strconv.Itoa(block))
		left[block] = int(outcomes.Val()) - looked[block]
		result.Left += left[block]
	}
	return result, looked, left, nil
}

// block recalls the calls of a block, a few at a time.
func (r *recalling) block(ctx context.Context, block int) error {
	s, id := r.store, r.broadcast.ID
	texts, err := s.rdb.LRange(ctx, keys.BroadcastOutcomes(s.app, id, strconv.Itoa(block)), int64(r.looked[block]), -1).Result()
	if err != nil {
		return fmt.Errorf("recall %s: %w", id, err)
	}
	r.result.Left += len(texts) - r.left[block] // some may have finished meanwhile
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

// recallOutcome is the result of one recall; after broken no others are made.
type recallOutcome struct {
	sent    bool
	problem *RecallProblem
	broken  error
}

// several recalls concurrently, and records those before the first that broke off.
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
	return errors.Join(broken, r.note(context.WithoutCancel(ctx), recallLease, block, looked, "recalled", recalled, "failed", failed))
}

//go:embed recall.lua
var recallSource string

var recallScript = redis.NewScript(recallSource)

// note renews the lease, and adds to the recall's record.
func (r *recalling) note(ctx context.Context, lease time.Duration, add ...any) error {
	mine, err := recallScript.Run(ctx, r.store.rdb, []string{keys.BroadcastRecalled(r.store.app, r.broadcast.ID)},
		append([]any{r.owner, lease.Milliseconds(), max(r.store.recordTTL, message.RecallWindow).Milliseconds()}, add...)...).Bool()
	switch {
	case err != nil:
		return fmt.Errorf("recall %s: %w", r.broadcast.ID, err)
	case !mine:
		return fmt.Errorf("%s: %w", r.broadcast.ID, ErrRecalling)
	}
	return nil
}

// one recalls a call that WeCom accepted.
func (r *recalling) one(ctx context.Context, text string) recallOutcome {
	o, err := readOutcome(text)
	if err != nil {
		return recallOutcome{broken: err}
	}
	if !o.state.Sent() || o.msgid == "" {
		return recallOutcome{}
	}
	age := r.store.clock.Latest().Sub(r.broadcast.CreatedAt.Add(o.after))
	if age > message.RecallWindow {
		return recallOutcome{problem: &RecallProblem{o.msgid, int64(wecom.CodeTooLateToRecall), fmt.Sprintf("it was sent %s ago", age.Round(time.Minute))}}
	}
	if err := r.limiter.Wait(ctx); err != nil {
		if err = context.Cause(ctx); err == nil { // its deadline would pass before its turn
			err = context.DeadlineExceeded
		}
		return recallOutcome{broken: err}
	}
	_, err = r.recaller.RecallContext(ctx, message.RecallRequest{MsgID: o.msgid})
	if err == nil {
		return recallOutcome{sent: true}
	}
	refused, ok := errors.AsType[*wecom.Error](err)
	if !ok || !isFinal(refused.Code) {
		return recallOutcome{broken: fmt.Errorf("recall %s: %w", o.msgid, err)}
	}
	return recallOutcome{problem: &RecallProblem{o.msgid, int64(refused.Code), err.Error()}}
}

// isFinal reports whether WeCom would give the same answer again, and only for this message.
func isFinal(code wecom.Code) bool {
	switch code.Class() {
	case wecom.ClassContent, wecom.ClassRecipient, wecom.ClassOther:
		return true
	default:
		return false
	}
}
