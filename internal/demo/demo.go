// Package demo demonstrates wecomq: it sends messages of every type to a simulated WeCom, and others that meet
// faults, and prints the results.
package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// Absent is a member who has left the company and must be invisible to the simulated WeCom.
const Absent = "left.company"

// notice is how long the demo waits without progress before it says what it waits for.
const notice = 10 * time.Second

// Demo has the parts of the demo. A worker must run meanwhile.
type Demo struct {
	Out  io.Writer
	Sim  *wecomtest.Simulator
	Send func(ctx context.Context, request message.Request, options tasks.Options) (tasks.Receipt, error)
	Find func(ctx context.Context, id string) (tasks.Record, error)
}

// Show plays the scenes and prints the results.
func (d *Demo) Show(ctx context.Context) error {
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
	d.say("\nResults (wecomq result ID):\n\n")
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

func (d *Demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.Out, format, args...) }

// sentScene is a scene and the message it enqueued.
type sentScene struct {
	scene
	id string
}

// play enqueues the scenes: WeCom's fault is set up just before each.
func (d *Demo) play(ctx context.Context) ([]sentScene, error) {
	all, err := scenes()
	if err != nil {
		return nil, err
	}
	sent := make([]sentScene, 0, len(all))
	for _, s := range all {
		if s.trouble != nil {
			if err := s.trouble(d.Sim); err != nil {
				return nil, err
			}
		}
		receipt, err := d.Send(ctx, s.request, s.options)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.title, err)
		}
		d.say("  → %-8s  %s\n", strings.TrimPrefix(receipt.Queue, receipt.App+":"), s.title)
		sent = append(sent, sentScene{s, receipt.ID})
	}
	return sent, nil
}

// watch prints the arrivals until all have come, however long this machine takes.
func (d *Demo) watch(ctx context.Context, sent []sentScene) error {
	want := 0
	for _, s := range sent {
		want += s.calls
	}
	for shown := 0; shown < want; {
		var messages []wecomtest.Message
		waitsFor := func() string { return fmt.Sprintf("%d of %d calls have arrived", shown, want) }
		err := d.await(ctx, waitsFor, func(ctx context.Context) (err error) {
			messages, err = d.Sim.WaitMessages(ctx, shown+1)
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
func (d *Demo) await(ctx context.Context, waitsFor func() string, do func(context.Context) error) error {
	for {
		patience, cancel := context.WithTimeout(ctx, notice)
		err := do(patience)
		cancel()
		if err == nil || ctx.Err() != nil || patience.Err() == nil {
			return err
		}
		d.say("  … %s; still waiting\n", waitsFor())
	}
}

// table prints the records and counts those with an unexpected state.
func (d *Demo) table(ctx context.Context, sent []sentScene) (unexpected int, err error) {
	w := tabwriter.NewWriter(d.Out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "  STATE\tERRCODE\tATTEMPTS\tRECIPIENTS\tMSGID\tID\tMESSAGE")
	for _, s := range sent {
		var r tasks.Record
		waitsFor := func() string { return fmt.Sprintf("%q is %s (%s)", s.title, r.State, r.ErrMsg) }
		err := d.await(ctx, waitsFor, func(ctx context.Context) (err error) {
			r, err = lookup.Await(ctx, s.id, d.Find, func(error) {})
			return err
		})
		if err != nil {
			return 0, err
		}
		if r.State != s.want {
			unexpected++
		}
		_, _ = fmt.Fprintf(w, "  %s\t%d\t%d\t%s\t%s\t%s\t%s\n", r.State, r.ErrCode, r.Attempts,
			printout.Recipients(r.Recipients), shortMsgID(r), r.ID, s.title)
	}
	return unexpected, w.Flush()
}

func shortMsgID(r tasks.Record) string {
	const shown = 10
	if len(r.MsgID) <= shown {
		return r.MsgID
	}
	return r.MsgID[:shown] + "…"
}
