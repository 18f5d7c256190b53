package sim_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// plan is everything that a seed determines. Times are those of the bubble, from the start.
type plan struct {
	calm      bool // without faults
	slow      bool // each call takes long
	sends     []send
	orders    []order
	events    []event
	lives     [2][]life       // of the worker processes, one after the other
	replies   map[int]outcome // of the producer's steps
	responses map[int]outcome // of the requests to the gateway
	creations map[int]outcome // of the steps in which broadcasts are created
}

// send is a message of the plan.
type send struct {
	at       time.Duration
	app      string
	text     string // unique, to identify it where it arrives
	users    []string
	checked  bool // WeCom's duplicate check is on
	critical bool
	overHTTP bool
	options  producer.Options
}

// life is one process: its faults by step, and the pause before it starts.
type life struct {
	after  time.Duration
	faults map[int]outcome
}

// size is how large a plan is.
type size struct {
	length   time.Duration // of its traffic
	messages int
	stretch  int // factor of pauses and delays
	faults   int // factor of their number
	seats    int // for the day quota, if there is one
}

var (
	short = size{length: 5 * time.Minute, messages: 25, stretch: 1, faults: 1, seats: 1}
	day   = size{length: 24 * time.Hour, messages: 150, stretch: 120, faults: 3, seats: 2}
)

// rush is how much faster the messages of some runs come, so that they queue.
const rush = 10

// span draws a duration up to most, scaled with the plan.
func (s size) span(rng *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(s.stretch) * time.Duration(1+rng.Int64N(most.Milliseconds())) * time.Millisecond
}

// moment draws a time of the run.
func (s size) moment(rng *rand.Rand) time.Duration { return time.Duration(rng.Int64N(int64(s.length))) }

// draw draws a plan. It uses rng only, so that a seed always gives the same one.
func draw(rng *rand.Rand, s size) plan {
	kind := rng.IntN(8)
	p := plan{calm: kind < 2, slow: kind == 0, replies: map[int]outcome{}, responses: map[int]outcome{}, creations: map[int]outcome{}}
	hot, traffic := rng.IntN(3) == 0, s
	if rng.IntN(3) == 0 || p.slow {
		traffic.length /= rush
	}
	for i := range s.messages {
		p.sends = append(p.sends, drawSend(rng, traffic, i, hot))
	}
	slices.SortStableFunc(p.sends, func(a, b send) int { return cmp.Compare(a.at, b.at) })
	p.orders = drawOrders(rng, s)
	slices.SortStableFunc(p.orders, func(a, b order) int { return cmp.Compare(a.at, b.at) })
	if p.calm {
		p.lives = [2][]life{{{}}, {{}}}
		return p
	}
	for range rng.IntN(10 * s.faults) {
		p.events = append(p.events, drawEvent(rng, s))
	}
	slices.SortStableFunc(p.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	for i := range p.lives {
		for range 1 + rng.IntN(4*s.faults) {
			p.lives[i] = append(p.lives[i], drawLife(rng, s))
		}
		p.lives[i] = append(p.lives[i], life{after: time.Second})
	}
	for range rng.IntN(4 * s.faults) {
		p.replies[1+rng.IntN(s.messages)] = outcome(1 + rng.IntN(2))
		p.responses[1+rng.IntN(s.messages/2)] = outcome(1 + rng.IntN(2))
		p.creations[1+rng.IntN(12)] = outcome(1 + rng.IntN(2))
	}
	return p
}

func drawSend(rng *rand.Rand, of size, i int, hot bool) send {
	s := send{
		at: of.moment(rng), app: appNames[rng.IntN(len(appNames))],
		text: fmt.Sprintf("message %d of the run", i), checked: rng.IntN(3) == 0, overHTTP: rng.IntN(2) == 0,
	}
	s.options.Priority = tasks.Priorities()[rng.IntN(3)]
	s.critical = s.options.Priority == tasks.Critical
	s.users = drawUsers(rng, hot && !s.critical)
	s.options.IdempotencyKey = s.text // so that a send without a response can be repeated
	switch rng.IntN(6) {
	case 0:
		s.options.Delay = min(of.span(rng, 10*time.Minute), 4*time.Hour) + time.Second
	case 1:
		s.options.ExpiresIn = of.span(rng, 5*time.Minute) + time.Second
	}
	return s
}

// drawUsers draws one to six members, rarely many or some whom WeCom refuses. The hot member is in all messages.
func drawUsers(rng *rand.Rand, hot bool) []string {
	count := 1 + rng.IntN(6)
	if rng.IntN(12) == 0 {
		count = 40
	}
	var users []string
	for _, n := range rng.Perm(60)[:count] {
		users = append(users, fmt.Sprintf("u%d", n))
	}
	if hot {
		users = append(users, "hot")
	}
	if rng.IntN(8) == 0 {
		users = append(users, "nobody")
	}
	return users
}

func drawLife(rng *rand.Rand, s size) life {
	l := life{after: s.span(rng, 40*time.Second), faults: map[int]outcome{}}
	for range rng.IntN(6) {
		l.faults[1+rng.IntN(60)] = outcome(1 + rng.IntN(2))
	}
	l.faults[1+rng.IntN(120)] = dieBefore + outcome(rng.IntN(2))
	return l
}

// String lists the faults, for replaying a seed.
func (p plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d messages", len(p.sends))
	for _, o := range p.orders {
		fmt.Fprintf(&b, "\n  %8s broadcast of %s to %d in %d groups: rate %d, begins after %s, expires after %s, hours from %s",
			o.at.Round(time.Millisecond), o.app, len(o.users), o.groups, o.rate, o.begins, o.expires, o.opens)
	}
	for _, e := range p.events {
		fmt.Fprintf(&b, "\n  %8s %s", e.at.Round(time.Millisecond), e.what)
	}
	for i, lives := range p.lives {
		for _, l := range lives {
			fmt.Fprintf(&b, "\n  worker %d, begins after %s, outcomes by step: %v", i+1, l.after, l.faults)
		}
	}
	fmt.Fprintf(&b, "\n  producer, outcomes by step: %v; of requests to the gateway: %v; of creations: %v", p.replies, p.responses, p.creations)
	return b.String()
}
