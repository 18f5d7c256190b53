package wecomtest

import (
	"time"

	"github.com/wecomq/wecomq/wecom"
)

// An app's daily quota is personTimesPerSeat × the account limit (page 90312).
const personTimesPerSeat = 200

// china is the time zone of the daily quota. It has no daylight saving time.
var china = time.FixedZone("Asia/Shanghai", 8*3600)

// appKey identifies an app: agent ids are unique within a company only.
type appKey struct {
	corpID  string
	agentID int64
}

func (a App) key() appKey { return appKey{a.CorpID, a.AgentID} }

// app is the state of one app's calls.
type app struct {
	appKey
	token    *token
	gates    map[string]*gate // by API
	members  map[string]times // deliveries by lower-cased userid
	day      time.Time        // the day that used refers to: its midnight in China
	used     int              // person-times
	inFlight int
	maxSeen  int // maximum of inFlight so far
}

// gate is the call frequency of one API.
type gate struct {
	calls        times
	blockedUntil time.Time
}

func (s *Simulator) appState(key appKey) *app {
	state := s.apps[key]
	if state == nil {
		state = &app{appKey: key, gates: map[string]*gate{}, members: map[string]times{}}
		s.apps[key] = state
	}
	return state
}

func (a *app) gate(api string) *gate {
	if a.gates[api] == nil {
		a.gates[api] = &gate{}
	}
	return a.gates[api]
}

// enter admits a call within the limits of frequency and concurrency; the caller ends it with inFlight--.
// Calls during a block do not extend it.
func (a *app) enter(rules Rules, api string, now time.Time) error {
	g := a.gate(api)
	if now.Before(g.blockedUntil) {
		return wecom.Code(45009)
	}
	if g.calls.full(rules.CallsPerMinute, time.Minute, now) {
		g.blockedUntil = now.Add(time.Duration(rules.Block))
		return wecom.Code(45009)
	}
	if rules.CallsPerMinute > 0 {
		g.calls = g.calls.add(now, rules.CallsPerMinute)
	}
	if rules.Concurrency > 0 && a.inFlight >= rules.Concurrency {
		return wecom.Code(45033)
	}
	a.inFlight++
	a.maxSeen = max(a.maxSeen, a.inFlight)
	return nil
}

// spend charges person-times to the day's quota. A call that does not fit is refused as a whole and blocks
// the app's sending until midnight: page 90312 says that a daily limit blocks until the natural day ends, and
// does not mention partial sends.
func (a *app) spend(rules Rules, persons int, now time.Time) error {
	local := now.In(china)
	today := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, china)
	if !a.day.Equal(today) {
		a.day, a.used = today, 0
	}
	if rules.Seats > 0 && a.used+persons > rules.Seats*personTimesPerSeat {
		a.gate(apiSend).blockedUntil = today.AddDate(0, 0, 1)
		return wecom.Code(45009)
	}
	a.used += persons
	return nil
}

// deliver sends to each user whose windows have room and returns the others, whom WeCom drops silently (page
// 90312). A dropped message does not count.
func (a *app) deliver(rules Rules, users []string, now time.Time) (delivered, dropped []string) {
	keep := max(rules.MemberPerMinute, rules.MemberPerHour)
	delivered = make([]string, 0, len(users))
	for _, user := range users {
		sent := a.members[user]
		if sent.full(rules.MemberPerMinute, time.Minute, now) || sent.full(rules.MemberPerHour, time.Hour, now) {
			dropped = append(dropped, user)
			continue
		}
		delivered = append(delivered, user)
		if keep > 0 {
			a.members[user] = sent.add(now, keep)
		}
	}
	return delivered, dropped
}

func (a *app) sweep(now time.Time) {
	for user, sent := range a.members {
		if sent.quiet(time.Hour, now) {
			delete(a.members, user)
		}
	}
}
