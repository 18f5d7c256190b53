package notify

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/ledger"
)

// Result is the result of notifications.
type Result string

// The results.
const (
	Delivered Result = "delivered" // outcomes that their receiver has accepted
	GivenUp   Result = "given_up"  // outcomes that it has not accepted within [GiveUpAfter]
	Failed    Result = "failed"    // attempts, which are repeated
)

// Results lists all results.
func Results() []Result { return []Result{Delivered, GivenUp, Failed} }

// Config configures a [Notifier]. All fields except OnResult are required.
type Config struct {
	Redis redis.UniversalClient
	// Ledger returns that of an app.
	Ledger    func(app string) *ledger.Ledger
	Receivers []Receiver
	OnResult  func(app string, result Result, n int)
	Logger    zerolog.Logger
}

// Notifier notifies receivers, each from the one process that has its lease.
type Notifier struct{ followers []*follower }

// New returns a notifier.
func New(cfg Config) (*Notifier, error) {
	if cfg.OnResult == nil {
		cfg.OnResult = func(string, Result, int) {}
	}
	host, _ := os.Hostname() // for people who read the key; the rest makes it unique
	owner := fmt.Sprintf("%s %d %s", host, os.Getpid(), ulid.Make())
	n := &Notifier{}
	for _, to := range cfg.Receivers {
		c, err := newClient(to)
		if err != nil {
			return nil, fmt.Errorf("notifications of %s: %w", to.App, err)
		}
		n.followers = append(n.followers, &follower{
			to: to, client: c, records: cfg.Ledger(to.App), on: cfg.OnResult, complain: true,
			lease: lease{rdb: cfg.Redis, app: to.App, name: to.name(), owner: owner},
			log:   cfg.Logger.With().Str(fields.Component, "notify").Str(fields.App, to.App).Str("token", to.Token).Logger(),
		})
	}
	return n, nil
}

// Run notifies the receivers until ctx ends.
func (n *Notifier) Run(ctx context.Context) {
	var group sync.WaitGroup
	for _, f := range n.followers {
		group.Go(func() { f.run(ctx) })
	}
	group.Wait()
}
