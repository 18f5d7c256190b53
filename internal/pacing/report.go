package pacing

import (
	"context"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/keys"
)

// Block is a rest of the whole app.
type Block struct {
	Fresh bool          // it began, or grew, with this report
	Left  time.Duration // until it ends
}

// Penalize notes that WeCom has blocked the app (45009), and returns how long the
// app rests: first a minute, a minute again when the first call after it meets the
// same, then an hour, then until midnight in China (90312). Unless it was such a
// call, the app's rate drops by a fifth; it grows back by 1 % in 5 minutes.
func (p *Pacer) Penalize(ctx context.Context, reason string) (Block, error) {
	return p.report(ctx, "penalty", p.cfg.Penalty.Milliseconds(), reason)
}

// Suspend notes that a wrong setting stops the whole app, and rests it. When the
// rest is over one call finds out whether it was mended.
func (p *Pacer) Suspend(ctx context.Context, rest time.Duration, reason string) (Block, error) {
	return p.report(ctx, "suspended", rest.Milliseconds(), reason)
}

// ProbeDone ends the wait of all others for the call that found out whether a
// block is over. answered says that WeCom answered it, with anything but another
// block.
func (p *Pacer) ProbeDone(ctx context.Context, answered bool) (freed bool, err error) {
	what := "inconclusive"
	if answered {
		what = "clear"
	}
	block, err := p.report(ctx, what)
	return block.Fresh, err
}

// Crowded notes that too many calls were in flight (45033): all processes halve
// theirs, and are back to all of them after 5 minutes at most.
func (p *Pacer) Crowded(ctx context.Context) error {
	_, err := p.report(ctx, "concurrency")
	return err
}

// Refund gives persons back to the day quota whom WeCom did not take a message for.
func (p *Pacer) Refund(ctx context.Context, persons int) error {
	_, err := p.report(ctx, "refund", persons)
	return err
}

func (p *Pacer) report(ctx context.Context, what string, args ...any) (Block, error) {
	reply, err := reportScript.Run(ctx, p.rdb, []string{keys.Pace(p.cfg.App), keys.Quota(p.cfg.App, "")},
		append([]any{p.now(), what}, args...)...).StringSlice()
	if err != nil {
		return Block{}, fmt.Errorf("note %s of app %s: %w", what, p.cfg.App, err)
	}
	if len(reply) != 2 {
		return Block{}, fmt.Errorf("report.lua replied %q", reply)
	}
	left, err := duration(reply[1])
	return Block{Fresh: reply[0] == "1", Left: left}, err
}
