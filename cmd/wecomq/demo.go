package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

const (
	// demoPause is WeCom's penalty in the demo; in production it is a minute.
	demoPause = 2 * time.Second
	// demoNotice is how long nothing may happen before the demo says what it waits for.
	demoNotice = 10 * time.Second
)

func newDemo(g *globals) *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try wecomq without Redis and without a WeCom account",
		Long: `Starts an embedded Redis, a simulated WeCom and a worker in this process, sends
every message type, a broadcast, and alerts that meet an invalid recipient, an
expired access token and a rate limit. Shows what arrives and the result of each
message. Nothing leaves this machine.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), g, keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep running, and print how to send more; stop with Ctrl-C")
	return cmd
}

// demo is everything in one process: Redis, WeCom, worker and producer.
type demo struct {
	*globals
	*sandbox
	deployment *daemon.Deployment
	producer   *producer.Producer
}

func runDemo(ctx context.Context, g *globals, keep bool) error {
	s, err := newSandbox(ctx, wecomtest.Rules{Invisible: []string{"left.company"}, Block: wecomtest.Duration(demoPause)})
	if err != nil {
		return err
	}
	defer s.close()
	deployment, err := daemon.Open(ctx, s.config, daemon.Options{Logger: g.logger("disabled", "console"), RatePause: demoPause})
	if err != nil {
		return err
	}
	defer deployment.Close()
	p, err := deployment.Producer(s.app())
	if err != nil {
		return err
	}
	worker, err := daemon.New(ctx, deployment, daemon.Config{Worker: true})
	if err != nil {
		return err
	}
	d := &demo{globals: g, sandbox: s, deployment: deployment, producer: p}
	return d.run(ctx, worker, keep)
}

// run shows everything while the worker runs.
func (d *demo) run(ctx context.Context, worker *daemon.Daemon, keep bool) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.sandbox.run(groupCtx) })
	group.Go(func() error { return worker.Run(groupCtx) })
	err := d.show(groupCtx)
	if err == nil && keep {
		d.explainKeep()
		<-groupCtx.Done()
	}
	stop()
	return errors.Join(err, group.Wait())
}

// show plays the scenes and prints what became of them.
func (d *demo) show(ctx context.Context) error {
	began := time.Now()
	d.say("wecomq demo: an embedded Redis, a simulated WeCom and a worker, all in this process.\n\n")
	sent, err := d.play(ctx)
	if err != nil {
		return err
	}
	d.say("\n%d messages are in the queue. Arriving at the simulated WeCom:\n\n", len(sent))
	if err := d.watch(ctx, sent); err != nil {
		return err
	}
	d.say("\nWhat became of them (wecomq result ID):\n\n")
	unexpected, err := d.table(ctx, sent)
	if err != nil {
		return err
	}
	d.say("\n%d messages in %s. ", len(sent), time.Since(began).Round(100*time.Millisecond))
	if unexpected > 0 {
		return fmt.Errorf("demo: %d messages did not end as they should", unexpected)
	}
	d.say("Next: the README shows how to send your first real message.\n")
	return nil
}

func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.stdout, format, args...) }

// sentScene is a scene and the message it enqueued.
type sentScene struct {
	scene
	id string
}

// play enqueues the scenes: WeCom's trouble is prepared just before.
func (d *demo) play(ctx context.Context) ([]sentScene, error) {
	scenes, err := demoScenes()
	if err != nil {
		return nil, err
	}
	sent := make([]sentScene, 0, len(scenes))
	for _, s := range scenes {
		if s.trouble != nil {
			if err := s.trouble(d.sim); err != nil {
				return nil, err
			}
		}
		receipt, err := d.producer.Send(ctx, s.request, s.options)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.title, err)
		}
		d.say("  → %-8s  %s\n", receipt.Queue[len(d.app().Name)+1:], s.title)
		sent = append(sent, sentScene{s, receipt.ID})
	}
	return sent, nil
}

// watch prints the arrivals until all have come, however long this machine takes.
func (d *demo) watch(ctx context.Context, sent []sentScene) error {
	want := 0
	for _, s := range sent {
		want += s.calls
	}
	for shown := 0; shown < want; {
		var messages []wecomtest.Message
		waitsFor := func() string { return fmt.Sprintf("%d of %d calls have arrived", shown, want) }
		err := d.await(ctx, waitsFor, func(ctx context.Context) (err error) {
			messages, err = d.sim.WaitMessages(ctx, shown+1)
			return err
		})
		if err != nil {
			return fmt.Errorf("demo: %d of %d calls arrived: %w", shown, want, err)
		}
		for _, m := range messages[shown:] {
			d.say("  %s  %-18s → %-22s %s\n", m.At.Format("15:04:05.000"), m.MsgType, audience(m), oneLine(m))
		}
		shown = len(messages)
	}
	return nil
}

// await waits until something is done, and says from time to time what it waits for.
func (d *demo) await(ctx context.Context, waitsFor func() string, do func(context.Context) error) error {
	for {
		patience, cancel := context.WithTimeout(ctx, demoNotice)
		err := do(patience)
		cancel()
		if err == nil || ctx.Err() != nil || patience.Err() == nil {
			return err
		}
		d.say("  … %s; still waiting\n", waitsFor())
	}
}

// table prints the records and counts those that are not as they should be.
func (d *demo) table(ctx context.Context, sent []sentScene) (unexpected int, err error) {
	waiter := &sender{globals: d.globals, flags: &sendFlags{timeout: demoNotice}, find: d.deployment.Finder(d.app()).Message}
	w := tabwriter.NewWriter(d.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "  STATE\tERRCODE\tATTEMPTS\tRECIPIENTS\tMSGID\tID\tMESSAGE")
	for _, s := range sent {
		var r tasks.Record
		waitsFor := func() string { return fmt.Sprintf("%q is %s (%s)", s.title, r.State, r.ErrMsg) }
		err := d.await(ctx, waitsFor, func(ctx context.Context) (err error) {
			r, err = waiter.await(ctx, s.id)
			return err
		})
		if err != nil {
			return 0, err
		}
		if r.State != s.want {
			unexpected++
		}
		_, _ = fmt.Fprintf(w, "  %s\t%d\t%d\t%s\t%s\t%s\t%s\n", r.State, r.ErrCode, r.Attempts,
			recipientsText(r.Recipients), shortMsgID(r), r.ID, s.title)
	}
	return unexpected, w.Flush()
}

// explainKeep says how to go on while the demo stays.
func (d *demo) explainKeep() {
	d.say(`
The demo stays until Ctrl-C. In another terminal:

  export REDIS_URL=%s WECOM_API_BASE_URL=%s
  export WECOM_CORP_ID=%s WECOM_AGENT_ID=%d WECOM_SECRET=%s

  wecomq send --to-user zhangsan --text hello --wait
  curl '%s/admin/messages?limit=5'
`, d.redis.URL(), d.url(), wecomtest.CorpID, wecomtest.AgentID, wecomtest.Secret, d.url())
}

func shortMsgID(r tasks.Record) string {
	const shown = 10
	if len(r.MsgID) <= shown {
		return r.MsgID
	}
	return r.MsgID[:shown] + "…"
}
