package wecomtest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/wecomq/wecomq/wecom"
)

// rateSeconds is how long the calls per second are kept.
const rateSeconds = 120

// Stats are counters since the start.
type Stats struct {
	// APIs are the calls by path under /cgi-bin/.
	APIs map[string]APIStats `json:"apis"`
	// TokensIssued counts new tokens, not repeats of a valid one.
	TokensIssued int64 `json:"tokens_issued"`
	// Delivered and Dropped are person-times; Suppressed are duplicate messages.
	Delivered  int64 `json:"delivered"`
	Dropped    int64 `json:"dropped"`
	Suppressed int64 `json:"suppressed"`
	// Uploads counts the accepted files.
	Uploads int64 `json:"uploads"`
	// Apps are the apps that have called, by corp and agent id.
	Apps []AppStats `json:"apps"`
	// Rate is the calls answered in each of the last 120 seconds, oldest first, without empty seconds.
	Rate []SecondStats `json:"rate"`
}

// APIStats are the answers of one API.
type APIStats struct {
	// Codes counts answers by errcode.
	Codes map[wecom.Code]int64 `json:"errcodes"`
	// Lost counts calls whose answer a fault dropped or replaced by an HTTP status.
	Lost int64 `json:"lost"`
}

// AppStats is one app's state.
type AppStats struct {
	CorpID  string `json:"corp_id"`
	AgentID int64  `json:"agent_id"`
	// Used is the person-times of the day (in China) of the last message.
	Used int `json:"used_today"`
	// InFlight and MaxInFlight are the concurrent calls, now and at most.
	InFlight    int `json:"in_flight"`
	MaxInFlight int `json:"max_in_flight"`
	// BlockedUntil is when each API's current block by 45009 ends.
	BlockedUntil map[string]time.Time `json:"blocked_until"`
}

// SecondStats is the calls of one second.
type SecondStats struct {
	Second int64 `json:"second"` // Unix time
	Calls  int64 `json:"calls"`
}

// counters are the running counters behind Stats, except those kept per app.
type counters struct {
	Stats

	rate [rateSeconds]SecondStats // by second modulo its length
}

func newCounters() counters { return counters{Stats: Stats{APIs: map[string]APIStats{}}} }

func (s *Simulator) count(api string, code wecom.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.called(api, s.now()).Codes[code]++
}

func (s *Simulator) countLost(api string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats.called(api, s.now())
	stats.Lost++
	s.stats.APIs[api] = stats
}

// called counts a call into its second and returns its API's counters.
func (c *counters) called(api string, now time.Time) APIStats {
	if _, ok := c.APIs[api]; !ok {
		c.APIs[api] = APIStats{Codes: map[wecom.Code]int64{}}
	}
	second := now.Unix()
	bucket := &c.rate[uint64(second)%rateSeconds] //nolint:gosec // any bits will do as an index
	if bucket.Second != second {
		*bucket = SecondStats{Second: second}
	}
	bucket.Calls++
	return c.APIs[api]
}

// Stats returns a copy of the counters.
func (s *Simulator) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	stats := s.stats.Stats
	stats.APIs = make(map[string]APIStats, len(s.stats.APIs))
	for api, counted := range s.stats.APIs {
		counted.Codes = maps.Clone(counted.Codes)
		stats.APIs[api] = counted
	}
	stats.Rate = []SecondStats{}
	for _, bucket := range s.stats.rate {
		if bucket.Calls > 0 && now.Unix()-bucket.Second < rateSeconds {
			stats.Rate = append(stats.Rate, bucket)
		}
	}
	slices.SortFunc(stats.Rate, func(a, b SecondStats) int { return cmp.Compare(a.Second, b.Second) })
	stats.Apps = []AppStats{}
	for _, app := range s.apps {
		stats.Apps = append(stats.Apps, app.stats(now))
	}
	slices.SortFunc(stats.Apps, func(a, b AppStats) int {
		return cmp.Or(cmp.Compare(a.CorpID, b.CorpID), cmp.Compare(a.AgentID, b.AgentID))
	})
	return stats
}

func (a *app) stats(now time.Time) AppStats {
	stats := AppStats{
		CorpID:       a.corpID,
		AgentID:      a.agentID,
		Used:         a.used,
		InFlight:     a.inFlight,
		MaxInFlight:  a.maxSeen,
		BlockedUntil: map[string]time.Time{},
	}
	for api, gate := range a.gates {
		if now.Before(gate.blockedUntil) {
			stats.BlockedUntil[api] = gate.blockedUntil
		}
	}
	return stats
}
