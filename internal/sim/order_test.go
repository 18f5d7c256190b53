package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// order is a broadcast of the plan.
type order struct {
	at    time.Duration
	app   string
	words string // begin every rendering, to identify it where it arrives
	users []string
	// groups is how many renderings differ; with 1 everybody gets the same text.
	groups int
	rate   int // recipients a minute, 0 for no limit

	begins, expires time.Duration // after its creation, 0 for at once and never
	opens           time.Duration // after the start its hours begin, 0 for all day
}

// hoursLast is how long the hours of a broadcast are.
const hoursLast = 12 * time.Hour

// drawOrders draws the broadcasts of a run: none in half of them.
func drawOrders(rng *rand.Rand, s size) (orders []order) {
	for i := range max(0, rng.IntN(4)-1) {
		o := order{
			at: s.moment(rng), app: appNames[rng.IntN(len(appNames))], words: fmt.Sprintf("broadcast %d of the run", i), groups: 1,
		}
		for n := range 1 + rng.IntN(40) {
			o.users = append(o.users, fmt.Sprintf("u%d", n))
		}
		o.users = append(o.users, "nobody")
		if rng.IntN(2) == 0 {
			o.groups = 1 + rng.IntN(12)
		}
		if rng.IntN(3) == 0 {
			o.rate = 5 + rng.IntN(100)
		}
		switch rng.IntN(8) {
		case 0:
			o.begins = min(s.span(rng, 5*time.Minute), 4*time.Hour)
		case 1:
			o.expires = s.span(rng, 5*time.Minute) + time.Second
		case 2:
			o.opens = s.span(rng, 5*time.Minute)
		}
		orders = append(orders, o)
	}
	return orders
}

// text is the text for the n-th user.
func (o order) text(n int) string {
	if o.groups == 1 {
		return o.words
	}
	return fmt.Sprintf("%s, word %d", o.words, n%o.groups)
}

// draft is the broadcast in the form of its sender.
func (o order) draft(w *world) broadcast.Draft {
	source := o.words
	if o.groups > 1 {
		source += ", word {{.word}}"
	}
	template, err := compose.TextTemplate(message.TypeText, source)
	w.must(err)
	var list strings.Builder
	list.WriteString("userid,word\n")
	for n, user := range o.users {
		fmt.Fprintf(&list, "%s,%d\n", user, n%o.groups)
	}
	compiled, err := compose.Compile(context.Background(), strings.NewReader(list.String()), template, compose.Options{})
	w.must(err)
	spec := broadcast.Spec{Template: template, Rate: o.rate, ExpiresIn: o.expires, CreatedBy: "anna"}
	if o.begins > 0 {
		spec.At = w.timeOfRedis().Add(o.begins).Truncate(time.Second)
	}
	if o.opens > 0 {
		clock := func(after time.Duration) string { return w.began.Add(after).In(broadcast.ChinaTime).Format("15:04") }
		spec.Between, err = broadcast.ParseHours(clock(o.opens)+"-"+clock(o.opens+hoursLast), nil)
		w.must(err)
	}
	return broadcast.Draft{Spec: spec, List: compiled, Key: o.words}
}

// running is a broadcast whose creation was confirmed.
type running struct {
	order

	id        string
	createdAt time.Time
	stopped   []stop
}

// stop is a period in which a broadcast made no calls, for ever if it has no end.
type stop struct{ from, to time.Time }

// createAll creates the broadcasts of a plan, each until its creation is confirmed.
func (w *world) createAll(p plan) {
	network := newNetwork(p.creations)
	rdb := w.client(network, nil)
	defer func() {
		_ = rdb.Close()
		network.sever()
	}()
	for _, o := range p.orders {
		w.until(o.at)
		draft := o.draft(w)
		store := broadcast.New(rdb, o.app, tasks.DefaultRecordTTL)
		created, err := w.repeat(func() (*broadcast.Broadcast, error) {
			b, _, err := store.Create(context.Background(), draft)
			return b, err
		})
		w.must(err)
		w.must(draft.List.Close())
		w.mu.Lock()
		w.broadcasts = append(w.broadcasts, &running{order: o, id: created.ID, createdAt: time.Now()})
		w.mu.Unlock()
	}
}

// repeat repeats an operation on a broadcast until Redis answers.
func (*world) repeat(do func() (*broadcast.Broadcast, error)) (b *broadcast.Broadcast, err error) {
	for range maxRepeats {
		if b, err = do(); err == nil {
			break
		}
		pass(time.Second)
	}
	return b, err
}

func (w *world) store(app string) *broadcast.Store {
	return broadcast.New(w.own, app, tasks.DefaultRecordTTL)
}

// pick returns one of the created broadcasts, nil if there is none.
func (w *world) pick(n int) *running {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.broadcasts) == 0 {
		return nil
	}
	return w.broadcasts[n%len(w.broadcasts)]
}

// drawControl draws an operation on a broadcast.
func drawControl(rng *rand.Rand, pause time.Duration) (string, func(*world, *running)) {
	switch rng.IntN(6) {
	case 0:
		return "cancelled", (*world).cancelBroadcast
	case 1:
		return "recalled", (*world).recallBroadcast
	case 2:
		return "created once more", (*world).createAgain
	default:
		return fmt.Sprintf("paused for %s", pause), func(w *world, r *running) { w.pauseBroadcast(r, pause) }
	}
}

// allowed reports whether an operation fitted the state; any other error fails the run.
func (w *world) allowed(err error) bool {
	w.Helper()
	if errors.As(err, new(*broadcast.StateError)) {
		return false
	}
	w.must(err)
	return true
}

func (w *world) pauseBroadcast(r *running, d time.Duration) {
	_, err := w.store(r.app).Pause(context.Background(), r.id, "bob")
	if !w.allowed(err) {
		return
	}
	from := time.Now()
	pass(d)
	to := time.Now()
	if _, err = w.store(r.app).Resume(context.Background(), r.id, "bob"); w.allowed(err) {
		w.stop(r, stop{from, to})
	}
}

func (w *world) cancelBroadcast(r *running) {
	if _, err := w.store(r.app).Cancel(context.Background(), r.id, "bob"); w.allowed(err) {
		w.stop(r, stop{from: time.Now()})
	}
}

func (w *world) stop(r *running, s stop) {
	w.mu.Lock()
	r.stopped = append(r.stopped, s)
	w.mu.Unlock()
}

// recallBroadcast recalls what was sent, and cancels the rest.
func (w *world) recallBroadcast(r *running) {
	client, err := w.wecomClient(r.app, w.own, w.transport(newNetwork(nil)))
	w.must(err)
	desk := &broadcast.Desk{
		Store:    w.store(r.app),
		Recaller: func() (broadcast.Recaller, error) { return message.NewClient(client, agentID(r.app)), nil },
		Pace: func(context.Context) (broadcast.Pace, error) {
			return broadcast.Pace{CallsPerMinute: float64(w.limits.CallsPerMinute)}, nil
		},
	}
	before, err := w.store(r.app).Get(context.Background(), r.id)
	w.must(err)
	_, err = desk.Recall(context.Background(), r.id, "bob", nil)
	if after, getErr := w.store(r.app).Get(context.Background(), r.id); getErr != nil || !after.State.Over() {
		w.Errorf("%s was recalled and goes on: %v, %v", r.id, err, getErr)
	} else if after.State == broadcast.Cancelled && before.State != after.State {
		w.stop(r, stop{from: time.Now()})
	}
}

// createAgain repeats the command that created a broadcast.
func (w *world) createAgain(r *running) {
	draft := r.draft(w)
	again, duplicate, err := w.store(r.app).Create(context.Background(), draft)
	w.must(err)
	w.must(draft.List.Close())
	if !duplicate || again.ID != r.id {
		w.Errorf("the repeat of %s is %s, a duplicate: %t", r.id, again.ID, duplicate)
	}
}
