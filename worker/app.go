package worker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Sender calls WeCom's API for one app; *wecom.Client implements it.
type Sender interface {
	// CheckToken ensures that there is an access token, so that Post need not wait for one.
	CheckToken(ctx context.Context) error
	Post(ctx context.Context, api string, body []byte, reply any) error
}

// Pacer keeps the app within WeCom's limits.
type Pacer interface {
	// Admit decides whether a message may be sent now, and if so records the attempt.
	Admit(ctx context.Context, a tasks.AdmissionRequest) (tasks.Admission, error)
	// Report processes what an answer says about the app.
	Report(ctx context.Context, f tasks.Finding) (tasks.Block, error)
}

// Ledger records the outcome of each message.
type Ledger interface {
	Settle(ctx context.Context, p tasks.Payload, s tasks.Settlement) (tasks.Record, error)
	Record(ctx context.Context, id string) (tasks.Record, error)
	// Revive queues a dead letter again, unless its number of attempts has changed.
	Revive(ctx context.Context, id string, attempts int) (bool, error)
	// TasksGone reports that the tasks of messages were acknowledged. Until then their records have to stay: the
	// tasks may be delivered again.
	TasksGone(ctx context.Context, ids ...string) error
}

// OnUnknown is the policy for a message that WeCom may have accepted.
type OnUnknown string

// The policies. With WeCom's duplicate check on, neither applies: the same bytes are sent again within the
// interval, and never after it.
const (
	Resend OnUnknown = "resend" // send again, and mark the record as a possible duplicate
	Park   OnUnknown = "park"   // never send again; the record says unknown
)

// App is a WeCom application that a worker serves. Name, AgentID and Sender are
// required.
type App struct {
	Name    string // the alias in ids and queue names
	AgentID string
	Sender  Sender
	// Ledger defaults to the one in Redis that `wecomq result` reads. It keeps a record for RecordTTL after
	// the message is finished; 0 means [tasks.DefaultRecordTTL].
	Ledger    Ledger
	RecordTTL time.Duration
	// Pacer defaults to the one in Redis that all workers share. It enforces Limits, whose zero value means
	// WeCom's own.
	Pacer  Pacer
	Limits tasks.Limits
	// Broadcasts defaults to the one in Redis.
	Broadcasts Broadcasts
	// Media defaults to the one in Redis. The Sender uploads the files, if it can.
	Media Media
	// Retention is how long the tasks of follow-ups stay in the dashboard, as in the producer; nil for
	// [tasks.DefaultRetention].
	Retention map[tasks.Priority]time.Duration

	Concurrency int           // calls in flight in this process, one of them only for critical messages; 0 for [tasks.DefaultConcurrency]
	Timeout     time.Duration // of one HTTP call, as the Sender applies it, at most [tasks.MaxCallTimeout]; 0 for [wecom.DefaultTimeout]
	OnUnknown   OnUnknown     // "" for [Resend]
	// UnknownResends is how many times [Resend] sends a message again; 0 for [tasks.DefaultUnknownResends].
	UnknownResends int
	RatePause      time.Duration // first pause of the whole app after errcode 45009; 0 for one minute
}

// Validate reports the first field that is missing or wrong.
func (a App) Validate() error {
	if err := tasks.ValidateApp(a.Name); err != nil {
		return err
	}
	switch {
	case a.AgentID == "":
		return fmt.Errorf("app %s: AgentID is empty", a.Name)
	case a.Sender == nil:
		return fmt.Errorf("app %s: Sender is nil", a.Name)
	case min(time.Duration(a.Concurrency), a.Timeout, a.RatePause, a.RecordTTL, time.Duration(a.UnknownResends)) < 0:
		return fmt.Errorf("app %s: Concurrency, Timeout, RatePause, RecordTTL and UnknownResends must not be negative", a.Name)
	case a.Timeout > tasks.MaxCallTimeout:
		return fmt.Errorf("app %s: Timeout: %s is more than %s", a.Name, a.Timeout, tasks.MaxCallTimeout)
	case a.OnUnknown != "" && a.OnUnknown != Resend && a.OnUnknown != Park:
		return fmt.Errorf("app %s: OnUnknown: %q is neither resend nor park", a.Name, string(a.OnUnknown))
	case a.Limits == tasks.Limits{}:
		return nil
	}
	if err := a.Limits.Validate(); err != nil {
		return fmt.Errorf("app %s: limits.%w", a.Name, err)
	}
	return nil
}

func (a App) withDefaults(rdb redis.UniversalClient) App {
	if a.Concurrency == 0 {
		a.Concurrency = tasks.DefaultConcurrency
	}
	if a.Timeout == 0 {
		a.Timeout = wecom.DefaultTimeout
	}
	if a.OnUnknown == "" {
		a.OnUnknown = Resend
	}
	if a.UnknownResends == 0 {
		a.UnknownResends = tasks.DefaultUnknownResends
	}
	if a.Retention == nil {
		a.Retention = tasks.DefaultRetention()
	}
	if a.RecordTTL == 0 {
		a.RecordTTL = tasks.DefaultRecordTTL
	}
	if a.Ledger == nil {
		a.Ledger = ledger.New(rdb, a.Name, a.RecordTTL)
	}
	if a.Broadcasts == nil {
		a.Broadcasts = broadcast.New(rdb, a.Name, a.RecordTTL)
	}
	if a.Media == nil {
		a.Media = newMedia(rdb, a)
	}
	if a.Pacer == nil {
		a.Pacer = pacing.New(rdb, pacing.Config{App: a.Name, Limits: a.Limits, RecordTTL: a.RecordTTL, Penalty: a.RatePause})
	}
	return a
}

// equal reports whether a and b need the same lane: all fields are equal, and the
// interfaces hold the same instances.
func (a App) equal(b App) bool {
	if a.Sender != b.Sender || a.Ledger != b.Ledger || a.Pacer != b.Pacer || a.Broadcasts != b.Broadcasts || a.Media != b.Media {
		return false
	}
	a.Sender, a.Ledger, a.Pacer, a.Broadcasts, a.Media = nil, nil, nil, nil, nil
	b.Sender, b.Ledger, b.Pacer, b.Broadcasts, b.Media = nil, nil, nil, nil, nil
	return reflect.DeepEqual(a, b)
}

// attemptLimit is the longest time an attempt of the app can take.
func (a App) attemptLimit() time.Duration { return tasks.AttemptLimit(a.Timeout) }

// retention is how long the dashboard shows a finished message; the calls of a broadcast are too many to
// show.
func (a App) retention(p tasks.Payload) time.Duration {
	if p.Broadcast() != "" {
		return 0
	}
	return a.Retention[p.Priority]
}

var errNoApps = errors.New("worker: no apps to serve")
