package webhook

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// waitStep is the first interval at which a waiting message is checked, and waitMost the longest, after a long
	// wait.
	waitStep = time.Second
	waitMost = 30 * time.Second
)

// waiting is a message that is enqueued after the previous one is finished. If there are cards, it is enqueued
// only if the newest cannot be changed.
type waiting struct {
	tasks.Message

	after  string                            // id of the previous message; of the newest card, if there are any
	cards  []string                          // their ids, the newest last
	update message.UpdateTemplateCardRequest // of the newest
}

// wait stores a message in Redis. It is idempotent.
func (s store) wait(ctx context.Context, w waiting) error {
	body, err := envelope.Encode(w.Message)
	if err != nil {
		return err
	}
	fields := []any{"body", body, "after", w.after, "actor", w.Options.Actor}
	if len(w.cards) > 0 {
		update, err := message.Encode(w.update)
		if err != nil {
			return err
		}
		fields = append(fields, "cards", strings.Join(w.cards, " "), "update", update)
	}
	now, err := s.rdb.Time(ctx).Result() // due.lua uses the clock of Redis
	if err != nil {
		return fmt.Errorf("keep a message that waits: %w", err)
	}
	id := idOf(s.app, w.Message)
	name := waitingPrefix + id + "|" + strconv.FormatInt(now.UnixMilli(), 10)
	_, err = s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, keys.WebhookWaiting(s.app, id), fields...)
		p.ZAdd(ctx, keys.WebhookDue(s.app), redis.Z{Score: float64(now.Add(waitStep).UnixMilli()), Member: name})
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep a message that waits: %w", err)
	}
	return nil
}

// waits reports whether a message is waiting itself.
func (s store) waits(ctx context.Context, id string) (bool, error) {
	n, err := s.rdb.Exists(ctx, keys.WebhookWaiting(s.app, id)).Result()
	if err != nil {
		return false, fmt.Errorf("look for a message that waits: %w", err)
	}
	return n > 0, nil
}

// takeWaiting reserves a waiting message; it returns nil if another process has it.
// The message is checked again after a quarter of the time that it has waited.
func (s store) takeWaiting(ctx context.Context, name string, now int64) (*waiting, error) {
	words := strings.SplitN(name, "|", 3)
	if len(words) != 3 {
		return nil, fmt.Errorf("take waiting message: bad name %q", name)
	}
	since, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("take waiting message: bad name %q", name)
	}
	again := min(max(time.Since(time.UnixMilli(since))/4, waitStep), waitMost)
	hash, err := s.lease(ctx, name, keys.WebhookWaiting(s.app, words[1]), again, now)
	if err != nil {
		return nil, fmt.Errorf("take waiting message %s: %w", name, err)
	}
	if hash == nil {
		return nil, nil //nolint:nilnil // nothing to take is not an error
	}
	w, err := s.readWaiting(hash)
	if err != nil {
		return nil, fmt.Errorf("read waiting message %s: %w", name, err)
	}
	return w, nil
}

func (s store) readWaiting(hash map[string]string) (*waiting, error) {
	e, err := envelope.Parse([]byte(hash["body"]))
	if err != nil {
		return nil, err
	}
	m, err := e.Message(tasks.Options{
		Actor:    hash["actor"],
		Priority: tasks.Priority(hash["priority"]), IdempotencyKey: hash["key"], // older versions wrote both beside the body
	})
	if err != nil {
		return nil, err
	}
	w := &waiting{Message: m, after: hash["after"], cards: strings.Fields(hash["cards"])}
	if len(w.cards) > 0 {
		w.update, err = message.ParseCardUpdateLenient([]byte(hash["update"]))
	}
	return w, err
}

// Waiting finds a message that is not in the queue yet because it waits for the previous one about the same
// alerts, and also returns the id of that one. It reports false if there is none.
func Waiting(ctx context.Context, rdb redis.UniversalClient, app, id string) (m tasks.Message, after string, found bool, err error) {
	hash, err := rdb.HGetAll(ctx, keys.WebhookWaiting(app, id)).Result()
	if err != nil || len(hash) == 0 {
		return tasks.Message{}, "", false, err
	}
	w, err := store{rdb, app}.readWaiting(hash)
	if err != nil {
		return tasks.Message{}, "", false, fmt.Errorf("read waiting message %s: %w", id, err)
	}
	return w.Message, w.after, true, nil
}

// DropWaiting removes such a message. A process that is about to enqueue it may still do so.
func DropWaiting(ctx context.Context, rdb redis.UniversalClient, app, id string) error {
	return rdb.Del(ctx, keys.WebhookWaiting(app, id)).Err()
}
