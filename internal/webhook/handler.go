package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/locale"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// storeTimeout is the time limit for all Redis calls of one webhook. Alertmanager
// waits for the answer, and retries.
const storeTimeout = 8 * time.Second

// Handler receives webhooks and enqueues their messages. It is safe for concurrent
// use; any number of processes may share a Redis.
type Handler struct {
	rdb      redis.UniversalClient
	queue    Queue
	cfg      Config
	renderer *Renderer
	sources  *Sources
	log      zerolog.Logger

	// Now is the time in Unix ms; 0, the default, means Redis's clock. Set it before the first webhook.
	Now func() int64
	// OnAlerts is called with the result of a number of alerts. Set it before the first webhook.
	OnAlerts func(app string, source Source, result Result, alerts int)
	// OnMessage is called with the id of the first message made from a webhook, and the context of its request. Set
	// it before the first webhook.
	OnMessage func(ctx context.Context, id string)
	// Actor names the sender of the messages of a request with this context. Set it before
	// the first webhook.
	Actor func(ctx context.Context) string
}

// New checks the templates and sources of the config. The caller closes rdb and runs
// [Handler.Run].
func New(rdb redis.UniversalClient, queue Queue, cfg Config, log zerolog.Logger) (*Handler, error) {
	renderer, err := NewRenderer(cfg)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	sources, err := NewSources(cfg)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return &Handler{
		rdb: rdb, queue: queue, cfg: cfg, renderer: renderer, sources: sources,
		log: log.With().Str("component", "webhook").Logger(), Now: func() int64 { return 0 },
		OnAlerts: func(string, Source, Result, int) {}, OnMessage: func(context.Context, string) {},
		Actor: func(context.Context) string { return "" },
	}, nil
}

// Accepted is the response to a webhook that is safely in Redis.
type Accepted struct {
	Messages []AcceptedMessage `json:"messages"`
	// Digested counts the members who get it in a digest instead.
	Digested int `json:"digested"`
	// Unaddressed counts the alerts without recipients, if others have some.
	Unaddressed int `json:"unaddressed,omitempty"`
}

// AcceptedMessage is one message made from a webhook.
type AcceptedMessage struct {
	ID        string `json:"id"`
	Alerts    int    `json:"alerts"` // that it reports, shown or counted
	Duplicate bool   `json:"duplicate"`
	// Updates is the id of the card that is changed instead. The message with the id of this response is sent only
	// if the card cannot be changed.
	Updates string `json:"updates,omitempty"`
	// WaitsFor is the id of the previous message about the same alerts, which is not sent yet; this one is enqueued
	// after it.
	WaitsFor string `json:"waits_for,omitempty"`
}

// Handle answers a webhook for an app. The caller has checked that its sender may use
// the app.
func (h *Handler) Handle(source Source, app string, w http.ResponseWriter, r *http.Request) {
	accepted, err := h.accept(source, app, w, r)
	if err != nil {
		p := problemOf(err, w.Header().Get("X-Request-Id"))
		level := zerolog.WarnLevel
		switch {
		case p.Status == http.StatusServiceUnavailable:
			level = zerolog.ErrorLevel
		case !errors.Is(err, problem.ErrNoRoute): // a sender can invent names of sources
			h.OnAlerts(app, source, Refused, 1)
		}
		h.log.WithLevel(level).Err(err).Str("app", app).Str("source", string(source)).Int("status", p.Status).Msg("webhook not accepted")
		p.In(locale.Of(r)).Write(w)
		return
	}
	problem.WriteJSON(w, http.StatusAccepted, "application/json", accepted)
}

func (h *Handler) accept(source Source, app string, w http.ResponseWriter, r *http.Request) (Accepted, error) {
	body, err := h.read(source, w, r)
	if err != nil {
		return Accepted{}, err
	}
	report, err := h.sources.Parse(source, body)
	if err != nil {
		return Accepted{}, err
	}
	q, err := ParseQuery(r.URL.Query())
	if err != nil {
		return Accepted{}, err
	}
	h.tellOfMapping(app, source, report)
	deliveries, unaddressed := h.plan(app, source, report.Notifications, q)
	switch {
	case len(report.Notifications) == 0:
		return Accepted{Messages: []AcceptedMessage{}}, nil
	case len(deliveries) == 0:
		return Accepted{}, h.nobody()
	}
	ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
	defer cancel()
	accepted, err := h.deliverAll(ctx, app, deliveries)
	accepted.Unaddressed = unaddressed
	if len(accepted.Messages) > 0 {
		h.OnMessage(r.Context(), accepted.Messages[0].ID)
	}
	return accepted, unlessInvalid(err)
}

// plan divides notifications among their audiences, and logs alerts without one.
func (h *Handler) plan(app string, source Source, notifications []Notification, q Query) (deliveries []delivery, unaddressed int) {
	for _, n := range notifications {
		own, lost, wrong := h.cfg.plan(app, n, q)
		h.complain(app, n, lost, wrong)
		deliveries, unaddressed = append(deliveries, own...), unaddressed+lost
	}
	if unaddressed > 0 {
		h.OnAlerts(app, source, Unaddressed, unaddressed)
	}
	return deliveries, unaddressed
}

// tellOfMapping logs and counts what the mapping of a source skipped or could not read.
func (h *Handler) tellOfMapping(app string, source Source, report Report) {
	if report.Skipped > 0 {
		h.OnAlerts(app, source, Skipped, report.Skipped)
	}
	if report.Fault != nil {
		h.log.Error().Err(report.Fault).Str("app", app).Str("source", string(source)).Msg("the mapping of the source failed in part")
		h.OnAlerts(app, source, Fallback, report.Faulty)
	}
}

const (
	// fewDeliveries is up to how many audiences are served one after another, those of the worst alerts first.
	fewDeliveries = 16
	// parallelDeliveries is how many are served at once if there are more. Each needs about three calls of Redis,
	// and there can be thousands.
	parallelDeliveries = 16
)

func (h *Handler) deliverAll(ctx context.Context, app string, deliveries []delivery) (Accepted, error) {
	delivered := make([]delivered, len(deliveries))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(1)
	if len(deliveries) > fewDeliveries {
		group.SetLimit(parallelDeliveries)
	}
	for _, places := range byGroup(deliveries) {
		group.Go(func() (err error) {
			for _, i := range places {
				if delivered[i], err = h.deliver(ctx, app, deliveries[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Accepted{}, err
	}
	accepted := Accepted{Messages: []AcceptedMessage{}}
	for _, d := range delivered {
		accepted.Digested += d.digested
		if d.message.ID != "" {
			accepted.Messages = append(accepted.Messages, d.message)
		}
	}
	return accepted, nil
}

// byGroup returns the indexes of deliveries by group: a source's array can have an alert and its end, which stay
// in order only if they are delivered one after the other.
func byGroup(deliveries []delivery) (groups [][]int) {
	known := map[string]int{}
	for i, d := range deliveries {
		id := d.group()
		at, ok := known[id]
		if !ok {
			at = len(groups)
			known[id], groups = at, append(groups, nil)
		}
		groups[at] = append(groups[at], i)
	}
	return groups
}

// complain logs alerts that do not reach all intended recipients: nobody else would notice.
func (h *Handler) complain(app string, n Notification, unaddressed int, wrong []string) {
	if unaddressed > 0 {
		h.log.Error().Str("app", app).Str("receiver", n.Receiver).Str("group_key", n.GroupKey).Int("alerts", unaddressed).
			Msg("alerts have no recipients")
	}
	if len(wrong) > 0 {
		h.log.Warn().Str("app", app).Str("receiver", n.Receiver).Strs("labels", wrong).
			Msg("labels name recipients that WeCom cannot know, or @all; those are left out")
	}
}

// nobody is the error for a webhook without recipients; it explains how to name them.
func (h *Handler) nobody() error {
	return &InvalidError{"query.to_user", fmt.Sprintf("nobody is named. Name recipients in one of three ways: "+
		"in the address (?to_user=zhangsan,lisi, to_party=2 or to_tag=3); "+
		"by a label of the alert (%s, %s or %s); "+
		"or by a route in the config (gateway.webhooks.routes)", h.cfg.Labels.ToUser, h.cfg.Labels.ToParty, h.cfg.Labels.ToTag)}
}

// delivered is the result of a delivery.
type delivered struct {
	message  AcceptedMessage // without an id if all members get it in a digest
	digested int             // members
}

// deliver sends one audience its part: to each member now, or in a digest.
func (h *Handler) deliver(ctx context.Context, app string, d delivery) (delivered, error) {
	rendered, err := h.renderer.Render(d.notification, d.kind)
	if err != nil {
		return delivered{}, err
	}
	s, nonce := store{h.rdb, app}, ulid.Make().String()
	m := tasks.Message{Options: tasks.Options{Priority: d.priority, IdempotencyKey: d.idempotencyKey(nonce), Actor: h.Actor(ctx)}}
	if err := message.ValidateContent(message.WithRecipients(d.changeable(rendered.Request, idOf(app, m)), d.to)); err != nil {
		return delivered{}, err
	}
	verdict, err := s.admit(ctx, d, linesOf(d.notification, h.cfg.Severity, h.renderer.teller(d.notification.Alerts)), h.cfg.Dedup, nonce, idOf(app, m), h.Now())
	if err != nil {
		return delivered{}, err
	}
	if rendered.Fallback != nil {
		h.log.Error().Err(rendered.Fallback).Str("app", app).Msg("another template was used")
		h.OnAlerts(app, d.notification.Source, Fallback, d.notification.count())
	}
	answer := AcceptedMessage{}
	if to := without(d.to, verdict.held); to.Count() > 0 {
		m.Options.IdempotencyKey = d.idempotencyKey(verdict.nonce)
		m.Request = message.WithRecipients(d.changeable(rendered.Request, idOf(app, m)), to)
		if answer, err = h.enqueue(ctx, s, d, m, verdict); err != nil {
			return delivered{}, err
		}
		answer.Alerts = d.notification.count()
	}
	h.tell(app, d, answer, verdict)
	return delivered{answer, len(verdict.held)}, nil
}

// tell logs and counts the result of a delivery.
func (h *Handler) tell(app string, d delivery, answer AcceptedMessage, verdict decision) {
	source, alerts := d.notification.Source, d.notification.count()
	if len(verdict.held) > 0 && !verdict.seen {
		h.OnAlerts(app, source, Digested, alerts)
	}
	switch {
	case verdict.seen:
		h.OnAlerts(app, source, Duplicate, alerts)
	case answer.ID != "":
		h.OnAlerts(app, source, Messaged, alerts)
	}
	if answer.ID == "" {
		return
	}
	h.log.Info().Str("app", app).Str("message_id", answer.ID).Str("receiver", d.notification.Receiver).
		Str("status", string(d.notification.Status)).Int("alerts", answer.Alerts).Int("digested", len(verdict.held)).
		Bool("duplicate", answer.Duplicate).Str("waits_for", answer.WaitsFor).
		Str("updates", answer.Updates).Msg("webhook accepted")
}

// enqueue enqueues a message, or stores it to wait for the previous one or for the change of a card.
func (h *Handler) enqueue(ctx context.Context, s store, d delivery, m tasks.Message, verdict decision) (AcceptedMessage, error) {
	if update, ok := updateOf(m.Request); ok && len(verdict.cards) > 0 {
		newest := verdict.cards[len(verdict.cards)-1]
		err := h.keep(ctx, s, waiting{Message: m, after: newest, cards: verdict.cards, update: update}, verdict.seen)
		return AcceptedMessage{ID: idOf(s.app, m), Duplicate: verdict.seen, Updates: newest}, err
	}
	waits, err := h.mustWait(ctx, s, d, verdict.before)
	if err != nil {
		return AcceptedMessage{}, err
	}
	if waits {
		err := h.keep(ctx, s, waiting{Message: m, after: verdict.before}, verdict.seen)
		return AcceptedMessage{ID: idOf(s.app, m), Duplicate: verdict.seen, WaitsFor: verdict.before}, err
	}
	receipt, err := h.enqueueOne(ctx, s.app, m)
	if err != nil {
		return AcceptedMessage{}, fmt.Errorf("enqueue: %w", err)
	}
	return AcceptedMessage{ID: receipt.ID, Duplicate: receipt.Duplicate}, nil
}

// keep stores a waiting message, if the sender's budget allows it. A repetition of one that already waits uses nothing.
func (h *Handler) keep(ctx context.Context, s store, w waiting, repeated bool) error {
	waits := false
	if repeated {
		var err error
		if waits, err = s.waits(ctx, idOf(s.app, w.Message)); err != nil {
			return err
		}
	}
	if !waits {
		if err := h.queue.Reserve(ctx, w.Message); err != nil {
			return err
		}
	}
	return s.wait(ctx, w)
}

// mustWait reports whether a message could overtake the previous one about the same alerts. A message about the
// end of an alert waits until the one about its beginning has been delivered or has failed for good. A message
// that follows a waiting one waits, too.
func (h *Handler) mustWait(ctx context.Context, s store, d delivery, before string) (bool, error) {
	if before == "" {
		return false, nil
	}
	waits, err := s.waits(ctx, before)
	if err != nil || waits || !d.reportsEnd() {
		return waits, err
	}
	done, err := h.queue.Done(ctx, s.app, before)
	if err != nil {
		return false, fmt.Errorf("look up message %s: %w", before, err)
	}
	return !done, nil
}
