package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// wecomqWay is a broadcast of wecomq.
type wecomqWay struct {
	trial

	config   string
	producer *producer.Producer // of the alerts
	id       string             // of the broadcast
}

func newWecomqWay(ctx context.Context, t trial) (way, error) {
	// The limits of members apply, but not the limit of calls.
	config, err := t.WriteConfig(map[string]any{"calls_per_minute": math.MaxInt32})
	if err != nil {
		return nil, err
	}
	// The dashboard need not show finished alerts: that would add to the memory.
	p, err := producer.New(t.Redis.Client, producer.Config{App: stage.App, Retention: map[tasks.Priority]time.Duration{}})
	if err != nil {
		return nil, err
	}
	w := &wecomqWay{trial: t, config: config, producer: p}
	return w, t.StartWorkers(ctx, t.workers, `"addr"`, t.wecomq, "worker", "-c", config, "--listen", "127.0.0.1:0")
}

// create runs `wecomq broadcast create`. Its calls are sent as soon as it has ended.
func (w *wecomqWay) create(ctx context.Context, list string) (creation, error) {
	template := filepath.Join(w.Dir, "template.txt")
	if err := os.WriteFile(template, []byte(text(w.words)), 0o600); err != nil {
		return creation{}, err
	}
	output, c, err := w.runCreator(ctx, w.wecomq, "broadcast", "create", "-c", w.config, "--app", stage.App, "-f", list, "--template", template)
	if err != nil {
		return creation{}, err
	}
	var receipt struct {
		ID         string `json:"id"`
		Recipients int    `json:"recipients"`
	}
	if err := json.Unmarshal([]byte(output), &receipt); err != nil {
		return creation{}, fmt.Errorf("read %q: %w", output, err)
	}
	c.recipients, w.id = receipt.Recipients, receipt.ID
	return c, nil
}

// send does nothing: the workers already know of the broadcast.
func (w *wecomqWay) send(context.Context) (time.Duration, error) { return longest, nil }

func (w *wecomqWay) alert(ctx context.Context, user string) error {
	_, err := w.producer.Send(ctx, message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: user}, Text: message.TextField{Content: alertText},
	}, producer.Options{Priority: tasks.Critical})
	return err
}

// check waits until the broadcast has ended, with all recipients reached.
func (w *wecomqWay) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, grace, errors.New("the broadcast does not end"))
	defer cancel()
	for {
		b, err := broadcast.New(w.Redis.Client, stage.App, time.Hour).Get(ctx, w.id)
		switch {
		case err != nil:
			return err
		case b.Counts.Accepted == w.recipients && b.State.Over():
			return nil
		case b.State.Over():
			return fmt.Errorf("it was accepted for %d of %d", b.Counts.Accepted, w.recipients)
		}
		if err := stage.Wait(ctx, pollInterval); err != nil {
			return err
		}
	}
}
