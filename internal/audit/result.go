package audit

import (
	"time"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

// Result is what an audit has found.
type Result struct {
	// At is when it began, by the clock of Redis.
	At time.Time `json:"at"`
	// Since and Until bound the time of the messages' last change; zero for no bound.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	Apps  []Sums    `json:"apps"`
	// Imbalance counts the findings, and Findings are the first [MaxFindings] of them.
	Imbalance int       `json:"imbalance"`
	Findings  []Finding `json:"findings"`
}

// byApp splits the result by app. Together the results have at most [MaxFindings] findings.
func (r Result) byApp() []Result {
	results := make([]Result, len(r.Apps))
	for i, sums := range r.Apps {
		one := r
		one.Apps, one.Imbalance, one.Findings = []Sums{sums}, sums.Imbalance, []Finding{}
		for _, f := range r.Findings {
			if f.App == sums.App {
				one.Findings = append(one.Findings, f)
			}
		}
		results[i] = one
	}
	return results
}

// MaxFindings bounds the findings of a [Result].
const MaxFindings = 20

// Sums are the totals of an app. Messages counts parts and follow-ups individually, but not the calls of
// broadcasts; the fields after Broadcasts count recipients: users, parties and tags, where "@all" counts as
// one. If everything is consistent, Enqueued is the sum of all that follow.
type Sums struct {
	App        string `json:"app"`
	Messages   int    `json:"messages"`
	Broadcasts int    `json:"broadcasts"`
	Enqueued   int    `json:"enqueued"`
	Accepted   int    `json:"accepted"`
	Invalid    int    `json:"invalid"` // users, parties and tags
	Unlicensed int    `json:"unlicensed"`
	Rejected   int    `json:"rejected"`
	Unknown    int    `json:"unknown"`
	Expired    int    `json:"expired"`
	Cancelled  int    `json:"cancelled"`
	Pending    int    `json:"pending"` // queued, scheduled, held and sending
	Imbalance  int    `json:"imbalance"`
}

// Kind is a kind of imbalance.
type Kind string

// The kinds.
const (
	// Off is a message or a broadcast whose recipients do not add up.
	Off Kind = "sum"
	// Stuck is an unfinished message in no queue.
	Stuck Kind = "stuck"
	// Missing is a part or a follow-up named by another record that is neither in the ledger nor in a queue.
	Missing Kind = "missing"
)

// Finding is an inconsistent message.
type Finding struct {
	ID    string      `json:"id"`
	App   string      `json:"app"`
	Queue string      `json:"queue"`
	Kind  Kind        `json:"kind"`
	State tasks.State `json:"state,omitempty"` // that of its record; "" if it has none
	Text  string      `json:"text"`

	// Lost is what is known of a missing message.
	Lost tasks.Record `json:"-"`
}

// add counts a record, and returns how many of its recipients are accounted for.
func (s *Sums) add(e ledger.Entry) (accounted int) {
	named := e.To.Count()
	s.Messages++
	s.Enqueued += named
	if !e.State.Final() {
		s.Pending += named
		return named
	}
	// WeCom may also refuse members of a department, whom the message does not name.
	unlicensed := min(len(e.Recipients.Unlicensed), named)
	invalid := min(e.Recipients.Refused()-len(e.Recipients.Unlicensed), named-unlicensed)
	accepted := 0
	if e.State.Sent() {
		accepted = e.Answered
	}
	s.Accepted += accepted
	s.Invalid += invalid
	s.Unlicensed += unlicensed
	s.Rejected += e.Recipients.Rejected
	s.Unknown += e.Recipients.Unknown
	s.Expired += e.Recipients.Expired
	s.Cancelled += e.Recipients.Cancelled
	return accepted + invalid + unlicensed + e.Recipients.Rejected + e.Recipients.Unknown + e.Recipients.Expired + e.Recipients.Cancelled
}

// addTask counts a message without a record, to this number of recipients. An archived one could
// not be read, or somebody archived it by hand: `wecomq result` calls it rejected.
func (s *Sums) addTask(place asynqx.Place, to int) {
	switch place {
	case asynqx.Queued, asynqx.Lost:
		s.Pending += to
	case asynqx.Archived:
		s.Rejected += to
	case asynqx.Gone, asynqx.Completed: // it has been sent meanwhile, or its record has expired
		return
	}
	s.Messages++
	s.Enqueued += to
}
