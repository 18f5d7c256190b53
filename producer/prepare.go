package producer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// digestBytes distinguish the messages of one key; every message with a key stores them.
const digestBytes = 8

// prepare validates and encodes a message, one body for each call to WeCom.
func (p *Producer) prepare(m Message, result *Result, now time.Time) (*draft, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	planned, err := scheduleOf(m.Options, now)
	if err != nil {
		return nil, err
	}
	bodies, recipients, err := encode(m.Request)
	if err != nil {
		return nil, err
	}
	id, err := p.id(m)
	if err != nil {
		return nil, err
	}
	own := claim{id: id, priority: cmp.Or(m.Options.Priority, tasks.Default), due: planned.due.UnixMilli(), waits: planned.waits}
	if own.digest, err = digest(m); err != nil {
		return nil, err
	}
	if len(bodies) > 1 {
		own.parts = len(bodies)
	}
	result.Receipt = Receipt{ID: own.id, App: p.app, Queue: own.queue(p.app), State: own.state(now), Parts: own.parts}
	return &draft{
		result: result, schedule: planned, keyed: m.Options.IdempotencyKey != "",
		msgType: m.Request.Type(), actor: m.Options.Actor, window: m.Request.Common().DuplicateCheckWindow(),
		bodies: bodies, recipients: recipients, own: own, place: own, elder: p.elder(m.Options),
	}, nil
}

func (p *Producer) id(m Message) (string, error) {
	switch app, err := tasks.AppOf(m.ID); {
	case m.Options.IdempotencyKey != "":
		return tasks.IDFromKey(p.app, tasks.OwnedKey(m.Options.KeyOwner, m.Options.IdempotencyKey)), nil
	case m.ID == "":
		return tasks.NewID(p.app), nil
	case err != nil || app != p.app || tasks.MessageID(m.ID) != m.ID:
		return "", fmt.Errorf("id: %q is not an id of the app %q", m.ID, p.app)
	}
	return m.ID, nil
}

// elder is the id that a message had before keys had owners. Without it, a repeat after an upgrade would be
// sent a second time.
func (p *Producer) elder(o Options) string {
	if o.IdempotencyKey == "" || o.KeyOwner == "" {
		return ""
	}
	return tasks.IDFromKey(p.app, o.IdempotencyKey)
}

// digest is equal for messages with the same content and recipients: the order of recipients does not matter,
// nor whether the agentid is left out. It is "" if any other message may repeat this one.
func digest(m Message) (string, error) {
	if m.Options.IdempotencyKey == "" || m.Options.KeyTakesAny {
		return "", nil
	}
	to := m.Request.Common().Recipients().Unique()
	for i, user := range to.Users {
		to.Users[i] = strings.ToLower(user) // as WeCom reads it
	}
	for _, ids := range [][]string{to.Users, to.Parties, to.Tags} {
		slices.Sort(ids)
	}
	said := message.WithRecipients(m.Request, to)
	said.Common().AgentID = ""
	body, err := message.Encode(said)
	if err != nil {
		return "", fmt.Errorf("encode message: %w", err)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:digestBytes]), nil
}

// encode splits the message, and returns the bodies to post and the number of its recipients.
func encode(request message.Request) (bodies [][]byte, recipients int, err error) {
	split := Split(request.Common().Recipients())
	bodies = make([][]byte, len(split))
	for i, to := range split {
		if bodies[i], err = message.Encode(message.WithRecipients(request, to)); err != nil {
			return nil, 0, fmt.Errorf("encode message: %w", err)
		}
		recipients += to.Count()
	}
	return bodies, recipients, nil
}
