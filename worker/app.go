package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Sender calls WeCom's API for one app; *wecom.Client is one.
type Sender interface {
	Post(ctx context.Context, api string, body []byte, reply any) error
}

// Ledger remembers what was attempted and what came of it.
type Ledger interface {
	Begin(ctx context.Context, p tasks.Payload, policy tasks.ResendPolicy) (tasks.Attempt, error)
	Settle(ctx context.Context, p tasks.Payload, s tasks.Settlement) (tasks.Record, error)
	Record(ctx context.Context, id string) (tasks.Record, error)
	// Revive queues a dead letter again, if it has had no attempt since those.
	Revive(ctx context.Context, id string, attempts int) (bool, error)
}

// OnUnknown says what to do with a message that WeCom may have taken.
type OnUnknown string

// The policies. With WeCom's duplicate check on, neither applies: the same bytes
// are sent again within the interval, and never after it.
const (
	Resend OnUnknown = "resend" // send again, and mark the record as a possible duplicate
	Park   OnUnknown = "park"   // never send again; the record says unknown
)

const (
	defaultConcurrency = 16
	defaultRatePause   = time.Minute // WeCom blocks for 60 s at first (90312)
	defaultRecords     = 7 * 24 * time.Hour
)

// App is one WeCom application that a worker serves. Name, AgentID and Sender are
// required.
type App struct {
	Name    string // the alias that ids and queues carry
	AgentID string
	Sender  Sender
	// Ledger is nil for the one in Redis that `wecomq result` reads, which keeps a
	// record for Records, 0 for seven days, after its last change.
	Ledger  Ledger
	Records time.Duration

	Concurrency int           // calls in flight in this process; 0 for 16
	Timeout     time.Duration // of one HTTP call, as the Sender applies it, at most [tasks.MaxCallTimeout]; 0 for [wecom.DefaultTimeout]
	OnUnknown   OnUnknown     // "" for [Resend]
	RatePause   time.Duration // rest of the whole app after errcode 45009; 0 for one minute
}

// Validate names the first field that is missing or wrong.
func (a App) Validate() error {
	if err := tasks.ValidateApp(a.Name); err != nil {
		return err
	}
	switch {
	case a.AgentID == "":
		return fmt.Errorf("app %s: AgentID is empty", a.Name)
	case a.Sender == nil:
		return fmt.Errorf("app %s: Sender is nil", a.Name)
	case min(time.Duration(a.Concurrency), a.Timeout, a.RatePause, a.Records) < 0:
		return fmt.Errorf("app %s: Concurrency, Timeout, RatePause and Records must not be negative", a.Name)
	case a.Timeout > tasks.MaxCallTimeout:
		return fmt.Errorf("app %s: Timeout: %s is more than %s", a.Name, a.Timeout, tasks.MaxCallTimeout)
	case a.OnUnknown != "" && a.OnUnknown != Resend && a.OnUnknown != Park:
		return fmt.Errorf("app %s: OnUnknown: %q is neither resend nor park", a.Name, string(a.OnUnknown))
	}
	return nil
}

func (a App) withDefaults(rdb redis.UniversalClient) App {
	if a.Concurrency == 0 {
		a.Concurrency = defaultConcurrency
	}
	if a.Timeout == 0 {
		a.Timeout = wecom.DefaultTimeout
	}
	if a.OnUnknown == "" {
		a.OnUnknown = Resend
	}
	if a.RatePause == 0 {
		a.RatePause = defaultRatePause
	}
	if a.Records == 0 {
		a.Records = defaultRecords
	}
	if a.Ledger == nil {
		a.Ledger = ledger.New(rdb, a.Name, a.Records)
	}
	return a
}

// callLimit is the longest that an attempt can take: a token to wait for, the
// call, a new token, the call again.
func (a App) callLimit() time.Duration { return 4*a.Timeout + 10*time.Second }

var errNoApps = errors.New("worker: no apps to serve")
