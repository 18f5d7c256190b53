package wecomtest

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The APIs, by their path under /cgi-bin/.
const (
	apiToken  = "gettoken"
	apiSend   = "message/send"
	apiRecall = "message/recall"
	apiUpdate = "message/update_template_card"
	apiUpload = "media/upload"
	apiAgent  = "agent/get"
)

// Bounds on the data that callers can make the simulator store.
const (
	maxTokens     = 10_000
	maxDuplicates = 100_000
	maxMedia      = 100_000
)

// Simulator answers like qyapi.weixin.qq.com. Create it with [New]; it is safe
// for concurrent use.
type Simulator struct {
	// Now is the clock; nil is time.Now. Set it before the first call.
	Now func() time.Time
	// Hosts are the names under which /admin/ and the page are served, in addition to localhost and IP
	// addresses; "*" allows every name. Set them before the first call.
	Hosts []string

	mux       *http.ServeMux
	directory atomic.Pointer[directory]

	mu         sync.Mutex // guards the fields below; never held while waiting
	apps       map[appKey]*app
	callers    map[string]*caller
	tokens     *recent[string, *token]
	duplicates *recent[duplicateKey, time.Time]
	media      *recent[mediaKey, upload]
	arrivals   arrivals
	faults     []*fault
	cleared    chan struct{} // closed when the faults are removed
	stats      counters
	swept      time.Time
}

// New returns a simulator with the given rules, or an error that lists every problem of the rules.
func New(rules Rules) (*Simulator, error) {
	s := &Simulator{
		mux:        http.NewServeMux(),
		apps:       map[appKey]*app{},
		callers:    map[string]*caller{},
		tokens:     newRecent[string, *token](maxTokens),
		duplicates: newRecent[duplicateKey, time.Time](maxDuplicates),
		media:      newRecent[mediaKey, upload](maxMedia),
		arrivals:   newArrivals(),
		cleared:    make(chan struct{}),
		stats:      newCounters(),
	}
	if err := s.SetRules(rules); err != nil {
		return nil, err
	}
	s.handle(apiToken, s.slow(s.getToken))
	s.handle(apiSend, s.authorized(s.send))
	s.handle(apiRecall, s.authorized(s.recall))
	s.handle(apiUpdate, s.authorized(s.updateCard))
	s.handle(apiUpload, s.authorized(s.uploadMedia))
	s.handle(apiAgent, s.authorized(s.agent))
	s.handleAdmin()
	s.handlePage()
	return s, nil
}

// ServeHTTP answers one call; an unknown path is HTTP 404.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Rules returns the rules in force, with defaults filled in.
func (s *Simulator) Rules() Rules { return s.directory.Load().rules }

// SetRules replaces the rules. Tokens, windows and messages are kept; calls in flight end under the old
// rules. The simulator owns the lists and maps of the rules from then on.
func (s *Simulator) SetRules(rules Rules) error {
	d, err := newDirectory(rules)
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	s.directory.Store(d)
	return nil
}

func (s *Simulator) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// work is the effect of an API unless a fault prevents it.
type work func(*call) (reply, error)

// handle serves an API: the fault scripted for this call, the work, the answer. The method is not checked: a
// GET in place of a POST has an empty body, which WeCom complains about.
func (s *Simulator) handle(api string, do work) {
	s.mux.HandleFunc("/cgi-bin/"+api, func(w http.ResponseWriter, r *http.Request) {
		c := s.newCall(api, w, r)
		f := s.dueFault(c)
		if f != nil && !f.After && c.suffer(*f) {
			return
		}
		rep, err := do(c)
		if f != nil && f.After && c.suffer(*f) {
			return
		}
		c.answer(rep, err)
	})
}

// slow delays the work by the latency of the rules.
func (s *Simulator) slow(do work) work {
	return func(c *call) (reply, error) {
		c.sleep(c.latency())
		return do(c)
	}
}

// authorized passes only calls with a valid token and within the app's limits, and counts them as in flight.
func (s *Simulator) authorized(do work) work {
	return func(c *call) (reply, error) {
		if err := s.enter(c); err != nil {
			return nil, err
		}
		defer s.endCall(c)
		c.sleep(c.latency())
		return do(c)
	}
}

func (s *Simulator) enter(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.sweep(now)
	key, err := s.checkToken(c.dir, c.r.URL.Query().Get("access_token"), now)
	if err != nil {
		return err
	}
	c.app = s.appState(key)
	return c.app.enter(c.dir.rules, c.api, now)
}

func (s *Simulator) endCall(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.app.inFlight--
}

// sweep drops expired data once an hour. The caller holds the mutex.
func (s *Simulator) sweep(now time.Time) {
	if now.Sub(s.swept) < time.Hour {
		return
	}
	s.swept = now
	for ip, caller := range s.callers {
		if caller.wrong.quiet(time.Hour, now) && now.After(caller.bannedUntil) {
			delete(s.callers, ip)
		}
	}
	for _, app := range s.apps {
		app.sweep(now)
	}
}
