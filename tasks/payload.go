package tasks

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/message"
)

// Version is the payload version written for broadcasts and card updates, which older workers leave to newer
// ones. Other messages still use plainVersion, which workers of any version read. This package reads both.
const (
	Version      = 2
	plainVersion = 1
)

// MaxAttempts is how many times a message is tried before it becomes a dead letter. Waiting for a limit or
// for a suspended app does not use up an attempt. With the worker's backoff that takes one and a half to
// three hours of failures.
const MaxAttempts = 25

// TaskTimeout is the time that asynq gives a task, and MaxCallTimeout the longest that one call to WeCom may
// take. A task's timeout exceeds the time of any attempt and of recording it, because asynq requeues a task
// as soon as the timeout is over, even while its handler is still running.
const (
	TaskTimeout    = 10 * time.Minute
	MaxCallTimeout = time.Minute
)

// AttemptLimit is the longest that an attempt can take if one call may take timeout: fetching a token, the
// call, a new token, the call again.
func AttemptLimit(timeout time.Duration) time.Duration { return 4*timeout + 10*time.Second }

// ErrVersion is returned for a payload written by a newer wecomq. Leave it to a newer worker.
var ErrVersion = errors.New("the payload is of a newer version of wecomq")

// Payload is a message, or one part of it, in the queue.
type Payload struct {
	ID       string // of the message or part, also the asynq task id
	App      string
	Priority Priority
	Type     message.Type // travels as the asynq task type
	// Body is the JSON posted to WeCom, fixed at enqueue: every attempt posts the same bytes, which WeCom's
	// duplicate check needs (90236). Only an empty agentid is filled in by the worker.
	Body       []byte
	EnqueuedAt time.Time
	ExpiresAt  time.Time // zero: never
	// Part counts from 1 and Parts is their number. Both are 0 for a message that was not split.
	Part, Parts int
	// TurnAt is the turn that the limits have reserved for a follow-up, in Unix ms
	// of their clock; 0 for any other message.
	TurnAt int64
	// ReplayOf is the id of the message that this one replaces, or "".
	ReplayOf string
	// UpdateOf is the id of the card, or part of it, that an update changes, "" for a
	// message.
	UpdateOf string
	// Actor is the sender; "" if unknown.
	Actor string
}

// Encode writes the payload. The bytes depend on p alone: members have a fixed order, the body is copied
// unchanged, times are Unix milliseconds.
func Encode(p Payload) []byte {
	b := make([]byte, 0, len(p.Body)+192)
	b = append(b, `{"v":`...)
	b = strconv.AppendInt(b, int64(p.version()), 10)
	b = appendString(b, "id", p.ID)
	b = appendString(b, "app", p.App)
	b = appendString(b, "priority", string(p.Priority))
	b = appendInt(b, "enqueued_at", p.EnqueuedAt.UnixMilli())
	if !p.ExpiresAt.IsZero() {
		b = appendInt(b, "expires_at", p.ExpiresAt.UnixMilli())
	}
	if p.Parts > 0 {
		b = appendInt(b, "part", int64(p.Part))
		b = appendInt(b, "parts", int64(p.Parts))
	}
	if p.TurnAt != 0 {
		b = appendInt(b, "turn_at", p.TurnAt)
	}
	if p.ReplayOf != "" {
		b = appendString(b, "replay_of", p.ReplayOf)
	}
	if p.UpdateOf != "" {
		b = appendString(b, "update_of", p.UpdateOf)
	}
	if p.Actor != "" {
		actor, _ := json.Marshal(p.Actor) // a string always marshals
		b = append(b, `,"actor":`...)
		b = append(b, actor...)
	}
	b = append(b, `,"body":`...)
	b = append(b, p.Body...)
	return append(b, '}')
}

func (p Payload) version() int {
	if IsBroadcast(p.ID) || p.Type == CardUpdateType {
		return Version
	}
	return plainVersion
}

// Broadcast is the id of the broadcast that this message belongs to, or "".
func (p Payload) Broadcast() string {
	call, _ := ParseBroadcastCall(p.ID)
	return call.Broadcast
}

// appendString writes a member whose value is an id, an app or a priority: none
// of them holds a character that JSON would escape.
func appendString(b []byte, name, value string) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":"`...)
	b = append(b, value...)
	return append(b, '"')
}

func appendInt(b []byte, name string, value int64) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return strconv.AppendInt(b, value, 10)
}

// wire is the payload as encoded.
type wire struct {
	Version    int             `json:"v"`
	ID         string          `json:"id"`
	App        string          `json:"app"`
	Priority   Priority        `json:"priority"`
	EnqueuedAt int64           `json:"enqueued_at"`
	ExpiresAt  int64           `json:"expires_at"`
	Part       int             `json:"part"`
	Parts      int             `json:"parts"`
	TurnAt     int64           `json:"turn_at"`
	ReplayOf   string          `json:"replay_of"`
	UpdateOf   string          `json:"update_of"`
	Actor      string          `json:"actor"`
	Body       json.RawMessage `json:"body"`
}

// Decode reads a task's type and payload. It returns [ErrVersion] for a payload
// that is too new, and any other error for one that no worker can ever read.
func Decode(typeName string, payload []byte) (Payload, error) {
	var w wire
	if err := json.Unmarshal(payload, &w); err != nil {
		return Payload{}, fmt.Errorf("decode payload: %w", err)
	}
	if w.Version > Version {
		return Payload{}, fmt.Errorf("%w: %d, this one reads up to %d", ErrVersion, w.Version, Version)
	}
	msgType, err := ParseTypeName(typeName)
	if err != nil {
		return Payload{}, fmt.Errorf("decode payload: %w", err)
	}
	p := Payload{
		ID: w.ID, App: w.App, Priority: w.Priority, Type: msgType, Body: w.Body,
		EnqueuedAt: time.UnixMilli(w.EnqueuedAt), Part: w.Part, Parts: w.Parts, TurnAt: w.TurnAt, ReplayOf: w.ReplayOf, UpdateOf: w.UpdateOf, Actor: w.Actor,
	}
	if w.ExpiresAt != 0 {
		p.ExpiresAt = time.UnixMilli(w.ExpiresAt)
	}
	return p, p.validate(w.Version)
}

func (p Payload) validate(version int) error {
	if version < 1 {
		return errors.New("decode payload: v is missing")
	}
	for _, check := range []func() error{p.validateIDs, p.Priority.Validate, p.validateBody} {
		if err := check(); err != nil {
			return fmt.Errorf("decode payload: %w", err)
		}
	}
	return nil
}

// validateIDs also ensures that Encode needs no escapes.
func (p Payload) validateIDs() error {
	app, err := AppOf(p.ID)
	if err == nil && app != p.App {
		err = fmt.Errorf("id: %q is not of app %q", p.ID, p.App)
	}
	for _, other := range []string{p.ReplayOf, p.UpdateOf} {
		if err == nil && other != "" {
			_, err = AppOf(other)
		}
	}
	if all := p.ID + p.ReplayOf + p.UpdateOf; err == nil && strings.ContainsFunc(all, notInIDs) {
		err = fmt.Errorf("id: %q, replay_of: %q, update_of: %q: invalid characters", p.ID, p.ReplayOf, p.UpdateOf)
	}
	return err
}

func notInIDs(r rune) bool {
	return !strings.ContainsRune("-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", r)
}

func (p Payload) validateBody() error {
	switch {
	case len(p.Body) == 0 || p.Body[0] != '{':
		return errors.New("body: not a JSON object")
	case p.Part < 0 || p.Part > p.Parts:
		return fmt.Errorf("part: %d of %d", p.Part, p.Parts)
	}
	return nil
}
