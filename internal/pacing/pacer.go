package pacing

import (
	"context"
	_ "embed"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/groupcommit"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

var (
	//go:embed clock.lua
	clockSource string
	//go:embed moments.lua
	momentsSource string
	//go:embed window.lua
	windowSource string
	//go:embed request.lua
	requestSource string
	//go:embed turns.lua
	turnsSource string
	//go:embed admit.lua
	admitSource string
	//go:embed report.lua
	reportSource string
	//go:embed status.lua
	statusSource string

	admitScript = redis.NewScript(ledger.BeginSource + clockSource + momentsSource + windowSource + requestSource + turnsSource +
		admitSource)
	reportScript = redis.NewScript(clockSource + momentsSource + reportSource)
	statusScript = redis.NewScript(clockSource + statusSource)
)

// firstPenalty is how long WeCom blocks after a limit per minute is exceeded (90312).
const firstPenalty = time.Minute

// Config configures a [Pacer]. App is required.
type Config struct {
	App       string
	Limits    tasks.Limits  // the zero value for [tasks.DefaultLimits]
	RecordTTL time.Duration // how long a record is kept after its last change
	// Penalty is the first block after 45009, 0 for one minute. The second lasts as long, the third 60 times as
	// long, and the fourth until midnight in China; then it begins again at the second.
	Penalty time.Duration
	// Now is a test's clock; nil for Redis TIME.
	Now func() time.Time
}

// Pacer admits the calls of one app.
type Pacer struct {
	rdb        redis.UniversalClient
	cfg        Config
	admissions *groupcommit.Group[tasks.AdmissionRequest, tasks.Admission]
}

// New returns the pacer of an app; it makes no call.
func New(rdb redis.UniversalClient, cfg Config) *Pacer {
	if cfg.Limits == (tasks.Limits{}) {
		cfg.Limits = tasks.DefaultLimits()
	}
	if cfg.Penalty == 0 {
		cfg.Penalty = firstPenalty
	}
	p := &Pacer{rdb: rdb, cfg: cfg}
	p.admissions = groupcommit.New(mostTogether, admissionWeight, p.admit)
	return p
}

// Admit decides whether a message may go now, or when. If it may, Admit records the attempt and takes its share
// of every limit. Concurrent requests are decided in one round trip.
func (p *Pacer) Admit(ctx context.Context, a tasks.AdmissionRequest) (tasks.Admission, error) {
	return p.admissions.Do(ctx, a)
}

// now is the scripts' clock argument: 0 means Redis TIME.
func (p *Pacer) now() int64 {
	if p.cfg.Now == nil {
		return 0
	}
	return p.cfg.Now().UnixMilli()
}
