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
	//go:embed admit.lua
	admitSource string
	//go:embed report.lua
	reportSource string
	//go:embed status.lua
	statusSource string

	admitScript  = redis.NewScript(ledger.BeginSource + clockSource + momentsSource + windowSource + admitSource)
	reportScript = redis.NewScript(clockSource + momentsSource + reportSource)
	statusScript = redis.NewScript(clockSource + statusSource)
)

// firstPenalty is how long WeCom blocks for a limit of the minute (90312).
const firstPenalty = time.Minute

// Config is what a [Pacer] needs. App is required.
type Config struct {
	App       string
	Limits    tasks.Limits  // the zero value for [tasks.DefaultLimits]
	RecordTTL time.Duration // how long a record is kept after its last change
	// Penalty is the first block after 45009, 0 for one minute. Those that follow
	// last as long, 60 times as long, and until midnight in China.
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

// Admit says whether a message may go now, or when. For a message that may
// go it records the attempt and takes its share of every limit. What is asked at the same
// time is decided in one round trip.
func (p *Pacer) Admit(ctx context.Context, a tasks.AdmissionRequest) (tasks.Admission, error) {
	return p.admissions.Do(ctx, a)
}

// now is the scripts' clock argument: 0 lets Redis say what time it is.
func (p *Pacer) now() int64 {
	if p.cfg.Now == nil {
		return 0
	}
	return p.cfg.Now().UnixMilli()
}
