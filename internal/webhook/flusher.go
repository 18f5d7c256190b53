package webhook

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// flushInterval is how late a digest may be.
	flushInterval = time.Second
	// FlushLease is how long a process may take over a digest before another one tries.
	FlushLease = 30 * time.Second
	// flushBatch is how many digests are enqueued between two queries of Redis.
	flushBatch = 100
)

// Run enqueues the digests of these apps when they are due, and messages that wait for another one, until ctx
// ends. Any number of processes may run it; each message is enqueued once, even if one of them crashes
// meanwhile.
func (h *Handler) Run(ctx context.Context, apps []string) error {
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	failing := false
	for {
		var errs []error
		for _, app := range apps {
			errs = append(errs, h.Flush(ctx, app))
		}
		err := errors.Join(errs...)
		if err != nil && ctx.Err() == nil && !failing {
			h.log.Error().Err(err).Msg("digests and messages wait")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Flush enqueues an app's due digests and messages.
func (h *Handler) Flush(ctx context.Context, app string) error {
	s := store{h.rdb, app}
	for {
		names, err := s.due(ctx, flushBatch, h.Now())
		if err != nil {
			return err
		}
		var errs []error
		for _, name := range names {
			errs = append(errs, h.flushOne(ctx, s, name))
		}
		if err := errors.Join(errs...); err != nil || len(names) < flushBatch {
			return err
		}
	}
}

// flushOne enqueues one digest or message, unless another process has it. If this process crashes, the next one
// uses the same id.
func (h *Handler) flushOne(ctx context.Context, s store, name string) error {
	if strings.HasPrefix(name, waitingPrefix) {
		return h.flushWaiting(ctx, s, name)
	}
	return h.flushDigest(ctx, s, name)
}

func (h *Handler) flushDigest(ctx context.Context, s store, name string) error {
	c, err := s.claim(ctx, name, FlushLease, h.Now())
	if err != nil || c == nil {
		return err
	}
	rendered, err := h.renderer.renderDigest(c.gathered)
	if err != nil {
		return err
	}
	if rendered.Fallback != nil {
		h.log.Error().Err(rendered.Fallback).Str("app", s.app).Msg("another template was used")
		h.OnAlerts(s.app, digests, Fallback, c.count())
	}
	receipt, err := h.enqueueOne(ctx, s.app, tasks.Message{
		Request: message.WithRecipients(rendered.Request, c.member.recipients()),
		Options: tasks.Options{Priority: c.priority, IdempotencyKey: "digest:" + c.id},
	})
	if err != nil {
		return fmt.Errorf("enqueue digest: %w", err)
	}
	h.log.Info().Str("app", s.app).Str("message_id", receipt.ID).Int("alerts", c.count()).Int("messages", c.messages).
		Bool("duplicate", receipt.Duplicate).Msg("digest enqueued")
	return s.forget(ctx, c.name, keys.WebhookClosedDigest(s.app, c.id))
}

func (h *Handler) flushWaiting(ctx context.Context, s store, name string) error {
	w, err := s.takeWaiting(ctx, name, h.Now())
	if err != nil || w == nil {
		return err
	}
	waits, err := s.waits(ctx, w.after)
	if err != nil || waits {
		return err
	}
	done, err := h.queue.Done(ctx, s.app, w.after)
	if err != nil {
		return fmt.Errorf("look up message %s: %w", w.after, err)
	}
	if !done {
		return nil
	}
	told, err := h.changeCards(ctx, s.app, w)
	if err != nil || told == pending {
		return err
	}
	if told == unchanged {
		receipt, err := h.enqueueOne(ctx, s.app, w.Message)
		if err != nil {
			return fmt.Errorf("enqueue what waited: %w", err)
		}
		h.log.Info().Str("app", s.app).Str("message_id", receipt.ID).Bool("duplicate", receipt.Duplicate).Msg("message enqueued after the one before it")
	}
	return s.forget(ctx, name, keys.WebhookWaiting(s.app, idOf(s.app, w.Message)))
}
