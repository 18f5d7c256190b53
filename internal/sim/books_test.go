package sim_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/tasks"
)

// arrival is a message that arrived at the simulated WeCom.
type arrival struct {
	app   string
	first time.Time
	at    []time.Time    // of each call
	to    map[string]int // deliveries by user, including those that WeCom has dropped
}

// check compares the records with the arrivals, and checks all invariants.
func (w *world) check(p plan, sent []confirmed) {
	if result := w.audit(); result.Imbalance > 0 {
		w.Errorf("the books are off: %+v", result.Findings)
	}
	arrived := w.arrivals()
	records := map[string]tasks.Record{}
	for _, c := range sent {
		record, err := lookup.New(w.own, c.app, w.ledger(c.app)).Message(context.Background(), c.id)
		if err != nil {
			w.Errorf("%s was confirmed and is lost: %v", c.id, err)
			continue
		}
		records[c.id] = record
		w.checkOutcomes(c, record, arrived[c.text])
	}
	w.checkBroadcasts(arrived)
	w.checkLimits()
	w.checkKeys()
	w.checkEarly(sent, arrived)
	w.checkAbsences(arrived)
	if p.calm && !w.tight() {
		w.checkOrder(p, sent, records, arrived)
	}
}

func appOf(agent int64) string { return appNames[agent-agentOf(0)] }

// checkOrder is for runs in which only the app's rate delays messages.
func (w *world) checkOrder(p plan, sent []confirmed, records map[string]tasks.Record, arrived map[string]arrival) {
	if p.slow {
		w.checkReserve(sent, records, arrived)
		return
	}
	w.checkAlerts(sent, records, arrived)
	w.checkLate(sent, records, arrived)
}

// arrivals are the messages that arrived, by text.
func (w *world) arrivals() map[string]arrival {
	arrived := map[string]arrival{}
	for _, m := range w.wecom.Messages() {
		a, ok := arrived[m.Text]
		if !ok {
			a = arrival{app: appOf(m.AgentID), first: m.At, to: map[string]int{}}
		}
		a.at = append(a.at, m.At)
		arrived[m.Text] = a
		if m.Suppressed {
			continue
		}
		for _, user := range slices.Concat(m.To, m.Dropped) {
			a.to[user]++
		}
		if len(m.Dropped) > 0 && !w.skewed() && w.lateCalls(time.Second) == 0 { // the windows have 2 s to spare; checkWindows reports more
			w.Errorf("%q was over a limit of %v", m.Text, m.Dropped)
		}
	}
	return arrived
}

// checkOutcomes: each recipient of a message has one state, and it is the true one.
func (w *world) checkOutcomes(c confirmed, record tasks.Record, a arrival) {
	if got := record.Recipients.Total(); got != len(c.users) || !record.State.Final() {
		w.Errorf("%s: %d outcomes for %d recipients, %s: %+v", c.id, got, len(c.users), record.State, record.Recipients)
	}
	if record.State == tasks.Rejected {
		w.Errorf("%s was given up after %d attempts: %d %s", c.id, record.Attempts, record.ErrCode, record.ErrMsg)
	}
	parts := record.Parts
	if len(parts) == 0 {
		parts = []tasks.Record{record}
	}
	seen := map[string]tasks.State{}
	for _, part := range parts {
		for _, user := range part.To.Users {
			refused := slices.Contains(part.Recipients.Invalid, user) || slices.Contains(part.Recipients.Unlicensed, user)
			if part.State.Sent() && !refused && a.to[user] == 0 {
				w.Errorf("%s: %s is recorded as accepted and got nothing", part.ID, user)
			}
			if _, twice := seen[user]; !twice || part.State.Sent() {
				seen[user] = part.State
			}
		}
	}
	for user, times := range a.to {
		if state := seen[user]; !state.Sent() && state != tasks.Unknown {
			w.Errorf("%s: %s got it, and the record says %q", c.id, user, state)
		}
		if times > 1 && (c.checked || !record.PossibleDuplicate) {
			w.Errorf("%s: %s got it %d times, duplicate check %t, marked %t", c.id, user, times, c.checked, record.PossibleDuplicate)
		}
	}
}

// checkLimits: WeCom refused no call because of a limit, except where a fault caused it.
func (w *world) checkLimits() {
	if w.skewed() {
		w.checkWindows()
		return
	}
	stats := w.wecom.Stats().APIs["message/send"]
	if got := stats.Codes[45009]; got != w.refusals() {
		w.Errorf("WeCom refused %d calls for a limit, of which faults made %d", got, w.refusals())
	}
}

// refusals is how often a fault answered 45009.
func (w *world) refusals() (fired int64) {
	for _, f := range w.faults {
		if f.ErrCode == 45009 {
			fired += int64(f.Fired)
		}
	}
	return fired
}

// checkKeys: each key has a TTL, or a bound that docs/redis-keys.md names.
func (w *world) checkKeys() {
	for _, key := range w.redis.Keys() {
		if w.redis.TTL(key) == 0 && !slices.ContainsFunc(bounded, func(r *regexp.Regexp) bool { return r.MatchString(key) }) {
			w.Errorf("%s has neither a TTL nor a bound", key)
		}
	}
}

// bounded are the keys with a bound in docs/redis-keys.md.
var bounded = readBounded()

func readBounded() (patterns []*regexp.Regexp) {
	text, err := os.ReadFile("../../docs/redis-keys.md")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || !strings.HasPrefix(line, "| `") || strings.TrimSpace(cells[4]) == "" {
			continue
		}
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			pattern := regexp.MustCompile(`<\w+>`).ReplaceAllString(regexp.QuoteMeta(name[1]), `.+`)
			pattern = strings.NewReplacer(`ops:critical`, `\w+:\w+`, `\{ops\}`, `\{\w+\}`).Replace(pattern)
			patterns = append(patterns, regexp.MustCompile("^"+pattern+"$"))
		}
	}
	return patterns
}
