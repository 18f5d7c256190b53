package producer

import (
	"cmp"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// prepare checks a message and encodes it, one body for each call to WeCom.
func (p *Producer) prepare(m Message, result *Result, now time.Time) (*draft, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	planned, err := scheduleOf(m.Options, now)
	if err != nil {
		return nil, err
	}
	bodies, err := encode(m.Request)
	if err != nil {
		return nil, err
	}
	own := claim{id: p.id(m.Options), priority: cmp.Or(m.Options.Priority, tasks.Default), due: planned.due.UnixMilli(), waits: planned.waits}
	if len(bodies) > 1 {
		own.parts = len(bodies)
	}
	result.Receipt = Receipt{ID: own.id, App: p.app, Queue: own.queue(p.app), State: own.state(now), Parts: own.parts}
	return &draft{
		result: result, schedule: planned, keyed: m.Options.IdempotencyKey != "",
		msgType: m.Request.Type(), window: m.Request.Common().DuplicateCheckWindow(),
		bodies: bodies, own: own, place: own,
	}, nil
}

func (p *Producer) id(o Options) string {
	if o.IdempotencyKey != "" {
		return tasks.IDFromKey(p.app, o.IdempotencyKey)
	}
	return tasks.NewID(p.app)
}

// encode splits the message and returns the bytes that WeCom will get.
func encode(request message.Request) ([][]byte, error) {
	recipients := Split(request.Common().Recipients())
	bodies := make([][]byte, len(recipients))
	for i, to := range recipients {
		body, err := message.Encode(message.WithRecipients(request, to))
		if err != nil {
			return nil, fmt.Errorf("encode message: %w", err)
		}
		bodies[i] = body
	}
	return bodies, nil
}
