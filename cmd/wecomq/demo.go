package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/embedded"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

const (
	// demoApp is the name of the app that the environment makes, so that `wecomq
	// send` from another terminal reaches the worker of the demo.
	demoApp = "default"
	// demoPause is WeCom's penalty in the demo; in earnest it is a minute.
	demoPause = 2 * time.Second
	// demoTimeout bounds the whole show.
	demoTimeout = time.Minute
)

func newDemo(g *globals) *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: needs no Redis and no WeCom account",
		Long: `Starts an embedded Redis, a simulated WeCom and a worker in this process, sends
every message type, a broadcast, and alerts that meet an invalid recipient, an
expired access token and a rate limit. Shows what arrives and what became of each.
Nothing leaves this machine.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), g, keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "stay, and print how to send more; end with Ctrl-C")
	return cmd
}

// demo is everything in one process: Redis, WeCom, worker and producer.
type demo struct {
	*globals
	*deployment
	sim      *wecomtest.Simulator
	url      string // of the simulator
	producer *producer.Producer
}

func runDemo(ctx context.Context, g *globals, keep bool) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	store, err := embedded.Start()
	if err != nil {
		return fmt.Errorf("start the embedded Redis: %w", err)
	}
	defer store.Close()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start the simulator: %w", err)
	}
	d, err := newDemonstration(g, store.URL(), "http://"+listener.Addr().String())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer d.close()
	apps, err := d.workerApps()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	w, err := worker.New(worker.Config{Redis: d.rdb, Apps: apps, Logger: d.log})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return serveHTTP(groupCtx, listener, d.sim) })
	group.Go(func() error { return w.Run(groupCtx) })
	err = d.show(groupCtx)
	if err == nil && keep {
		d.explainKeep(store.URL())
		<-groupCtx.Done()
	}
	stop()
	return errors.Join(err, group.Wait())
}

func newDemonstration(g *globals, redisURL, simulatorURL string) (*demo, error) {
	sim, err := wecomtest.New(wecomtest.Rules{
		Invisible: []string{"left.company"}, Block: wecomtest.Duration(demoPause),
	})
	if err != nil {
		return nil, err
	}
	cfg := &config.Config{
		Redis: config.Redis{URL: wecom.Secret(redisURL)},
		Apps: map[string]*config.App{demoApp: {
			Name: demoApp, CorpID: wecomtest.CorpID, AgentID: strconv.Itoa(wecomtest.AgentID), Secret: wecomtest.Secret,
			APIBaseURL: simulatorURL, Timeout: wecom.DefaultTimeout, Concurrency: 16, OnUnknown: "resend",
			Retention: tasks.DefaultRetention(), RecordTTL: time.Hour, Limits: tasks.DefaultLimits(),
		}},
	}
	d, err := deploy(cfg, g.logger("error", "console"))
	if err != nil {
		return nil, err
	}
	d.ratePause = demoPause
	p, err := d.producer(cfg.Apps[demoApp])
	if err != nil {
		return nil, err
	}
	return &demo{globals: g, deployment: d, sim: sim, url: simulatorURL, producer: p}, nil
}

// show plays the scenes and prints what became of them.
func (d *demo) show(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
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
		d.say("  → %-8s  %s\n", receipt.Queue[len(demoApp)+1:], s.title)
		sent = append(sent, sentScene{s, receipt.ID})
	}
	return sent, nil
}

// watch prints the arrivals until all have come.
func (d *demo) watch(ctx context.Context, sent []sentScene) error {
	want := 0
	for _, s := range sent {
		want += s.calls
	}
	for shown := 0; shown < want; {
		messages, err := d.sim.WaitMessages(ctx, shown+1)
		if err != nil {
			return fmt.Errorf("demo: %d of %d calls arrived in %s: %w", shown, want, demoTimeout, err)
		}
		for _, m := range messages[shown:] {
			d.say("  %s  %-18s → %-22s %s\n", m.At.Format("15:04:05.000"), m.MsgType, audience(m), oneLine(m))
		}
		shown = len(messages)
	}
	return nil
}

// table prints the records and counts those that are not as they should be.
func (d *demo) table(ctx context.Context, sent []sentScene) (unexpected int, err error) {
	waiter := &sender{globals: d.globals, flags: &sendFlags{timeout: demoTimeout}, finder: d.deployment.finder(d.cfg.Apps[demoApp])}
	w := tabwriter.NewWriter(d.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "  STATE\tERRCODE\tATTEMPTS\tRECIPIENTS\tMSGID\tID\tMESSAGE")
	for _, s := range sent {
		r, err := waiter.await(ctx, s.id)
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
func (d *demo) explainKeep(redisURL string) {
	d.say(`
The demo stays until Ctrl-C. In another terminal:

  export REDIS_URL=%s WECOM_API_BASE_URL=%s
  export WECOM_CORP_ID=%s WECOM_AGENT_ID=%d WECOM_SECRET=%s

  wecomq send --to-user zhangsan --text hello --wait
  curl '%s/admin/messages?limit=5'
`, redisURL, d.url, wecomtest.CorpID, wecomtest.AgentID, wecomtest.Secret, d.url)
}

func shortMsgID(r tasks.Record) string {
	const shown = 10
	if len(r.MsgID) <= shown {
		return r.MsgID
	}
	return r.MsgID[:shown] + "…"
}
