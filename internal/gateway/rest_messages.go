package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// storeTime is the time limit for Redis in one request; clients are told to retry instead of waiting.
	storeTime = 5 * time.Second
	// wecomTime is the time limit for WeCom in one request: a recall takes a call per part.
	wecomTime = 30 * time.Second
)

// detached returns a context that outlives its client: the outcome of an interrupted enqueue would be unknown.
func detached(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

type sendInput struct {
	rawBody

	IdempotencyKey string `header:"Idempotency-Key" doc:"Makes a repeat find the first message. 1 to 255 visible ASCII characters, different for every message"`
}

type sendOutput struct{ Body Receipt }

// send serves POST /v1/messages.
func (g *Gateway) send(ctx context.Context, in *sendInput) (*sendOutput, error) {
	if in.err != nil {
		return nil, in.err
	}
	e, err := envelope.Parse(in.data)
	if err != nil {
		return nil, malformed(err)
	}
	if own := e.Options.IdempotencyKey; in.IdempotencyKey != "" && own != "" && own != in.IdempotencyKey {
		return nil, invalid("idempotency_key", "differs from the header Idempotency-Key; set one of them")
	}
	app, m, err := g.compose(ctx, e, tasks.Options{IdempotencyKey: in.IdempotencyKey})
	if err != nil {
		return nil, err
	}
	receipt, err := g.enqueue(ctx, app, m)
	return &sendOutput{Body: receiptOf(receipt)}, err
}

// malformed returns the error for a body that cannot be parsed. A validation error is returned unchanged.
func malformed(err error) error {
	switch _, invalid := asValidation(err); {
	case err == nil || invalid:
		return err
	case errors.Is(err, envelope.ErrTooLarge):
		return problem.As(problem.ErrTooLarge, err)
	}
	return fmt.Errorf("%w: %w", problem.ErrMalformed, err)
}

// compose builds the message of an envelope, for an app that the client may use, and prepares its files.
func (g *Gateway) compose(ctx context.Context, e *envelope.Envelope, defaults tasks.Options) (App, tasks.Message, error) {
	if err := intake.AccountOf(ctx).Take(e.Decoded); err != nil {
		return App{}, tasks.Message{}, err
	}
	app, appErr := IdentityFrom(ctx).App(e.App)
	if errors.Is(appErr, problem.ErrForbidden) {
		return App{}, tasks.Message{}, appErr
	}
	m, err := e.Message(defaults)
	if appErr != nil && err == nil { // otherwise the queue validates it
		err = message.ValidateContent(m.Request)
	}
	if err := joined(appErr, malformed(err)); err != nil {
		return App{}, tasks.Message{}, err
	}
	if id := m.Request.Common().AgentID; id != "" && id != app.AgentID {
		return App{}, tasks.Message{}, invalid("agentid", "%s, but the app %q is agent %s; leave agentid out", id, app.Name, app.AgentID)
	}
	m, err = g.prepare(ctx, app, m)
	return app, m, err
}

// joined merges the fields of two validation errors.
func joined(a, b error) error {
	first, ok := asValidation(a)
	second, both := asValidation(b)
	switch {
	case ok && both:
		return &message.ValidationError{Fields: append(first.Fields, second.Fields...)}
	case b != nil:
		return b
	}
	return a
}

func asValidation(err error) (*message.ValidationError, bool) {
	return errors.AsType[*message.ValidationError](err)
}

// enqueue stores one message in Redis. A nil error means that it is stored.
func (g *Gateway) enqueue(ctx context.Context, app App, m tasks.Message) (tasks.Receipt, error) {
	requestInfoFrom(ctx).app = app.Name
	ctx, cancel := detached(ctx, storeTime)
	defer cancel()
	result := g.services.Queue.Enqueue(ctx, app.Name, []tasks.Message{m})[0]
	NoteMessage(ctx, result.Receipt.ID)
	return result.Receipt, refusal(result.Err)
}

type messageInput struct {
	ID string `path:"id" maxLength:"100" doc:"As POST /v1/messages has answered it" example:"ops-01JD5K3V8N0000000000000000"`
}

type recordOutput struct{ Body tasks.Record }

type recallOutput struct {
	Status int
	Body   any // tasks.Record, or broadcast.Recall for a broadcast
}

// show serves GET /v1/messages/{id}.
func (g *Gateway) show(ctx context.Context, in *messageInput) (*recordOutput, error) {
	return g.record(ctx, in.ID, storeTime, g.services.Records.Record)
}

// cancel serves DELETE /v1/messages/{id}.
func (g *Gateway) cancel(ctx context.Context, in *messageInput) (*recordOutput, error) {
	if g.services.Canceller == nil {
		return nil, fmt.Errorf("cancelling is %w", problem.ErrNotThere)
	}
	return g.record(ctx, in.ID, storeTime, g.own(g.services.Canceller.Cancel))
}

// recall serves POST /v1/messages/{id}/recall.
func (g *Gateway) recall(ctx context.Context, in *messageInput) (*recallOutput, error) {
	if tasks.IsBroadcast(in.ID) && in.ID == tasks.MessageID(in.ID) {
		output, err := g.recallBroadcast(ctx, &broadcastInput{in.ID})
		if err != nil {
			return nil, err
		}
		return &recallOutput{http.StatusAccepted, output.Body}, nil
	}
	if g.services.Recaller == nil {
		return nil, fmt.Errorf("recalling is %w", problem.ErrNotThere)
	}
	output, err := g.record(ctx, in.ID, wecomTime, g.own(g.services.Recaller.Recall))
	if err != nil {
		return nil, err
	}
	return &recallOutput{http.StatusOK, output.Body}, nil
}

// messageOperation does something to a message of an app, and returns its record.
type messageOperation func(ctx context.Context, app, id string) (tasks.Record, error)

// record runs an operation on a message of an app that the client may use, and answers with its record.
func (g *Gateway) record(ctx context.Context, id string, limit time.Duration, do messageOperation) (*recordOutput, error) {
	app, err := ownerOf(IdentityFrom(ctx), id)
	if err != nil {
		return nil, err
	}
	requestInfoFrom(ctx).about(app, id)
	ctx, cancel := detached(ctx, limit)
	defer cancel()
	record, err := do(ctx, app.Name, tasks.MessageID(id))
	if err != nil {
		return nil, err
	}
	return &recordOutput{Body: record}, nil
}

// own restricts an operation to messages that the client may recall.
func (g *Gateway) own(do messageOperation) messageOperation {
	return func(ctx context.Context, app, id string) (tasks.Record, error) {
		identity := IdentityFrom(ctx)
		if !identity.mayTakeBackAll() {
			record, err := g.services.Records.Record(ctx, app, id)
			if err == nil {
				err = identity.AllowOn(record.Actor)
			}
			if err != nil {
				return tasks.Record{}, err
			}
		}
		return do(ctx, app, id)
	}
}

// ownerOf returns the app of a message id, if the client may use it.
func ownerOf(identity *Identity, id string) (App, error) {
	name, err := tasks.AppOf(id)
	if err != nil {
		return App{}, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return identity.App(name)
}

type replayOutput struct {
	Body struct {
		Replays []Replay `json:"replays"`
	}
}

// replay serves POST /v1/messages/{id}/replay.
func (g *Gateway) replay(ctx context.Context, in *messageInput) (*replayOutput, error) {
	if g.services.Replayer == nil {
		return nil, fmt.Errorf("replaying is %w", problem.ErrNotThere)
	}
	app, err := ownerOf(IdentityFrom(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	requestInfoFrom(ctx).about(app, in.ID)
	ctx, cancel := detached(ctx, storeTime)
	defer cancel()
	output := &replayOutput{}
	output.Body.Replays, err = g.services.Replayer.Replay(ctx, app.Name, tasks.MessageID(in.ID))
	return output, err
}

// registerMessages registers the operations on messages.
func (g *Gateway) registerMessages(api huma.API) {
	operation(g, api, huma.Operation{
		OperationID: "send", Method: http.MethodPost, Path: "/v1/messages", DefaultStatus: http.StatusAccepted,
		Summary: "Enqueue a message", Tags: []string{"messages"},
		Description: "202 means that the message is in Redis. The body is WeCom's message/send JSON plus wecomq's own members.",
		RequestBody: messageBody(api.OpenAPI().Components.Schemas), Errors: []int{400, 401, 403, 413, 415, 422, 429, 503},
	}, config.ScopeSend, g.send)
	operation(g, api, huma.Operation{
		OperationID: "get-message", Method: http.MethodGet, Path: "/v1/messages/{id}",
		Summary: "Get the outcome of a message", Tags: []string{"messages"}, Errors: []int{401, 403, 404, 503},
	}, config.ScopeRead, g.show)
	operation(g, api, huma.Operation{
		OperationID: "cancel-message", Method: http.MethodDelete, Path: "/v1/messages/{id}",
		Summary: "Cancel a message that has not been sent", Tags: []string{"messages"}, Errors: []int{401, 403, 404, 409, 503},
	}, config.ScopeSend, g.cancel)
	operation(g, api, huma.Operation{
		OperationID: "recall-message", Method: http.MethodPost, Path: "/v1/messages/{id}/recall",
		Summary: "Recall a message from the queue, or from WeCom's clients within 24 h", Tags: []string{"messages"},
		Description: "Answers with the record. The id of a broadcast is accepted as well; the request is then the same as POST /v1/broadcasts/{id}/recall.",
		Responses:   map[string]*huma.Response{"200": answer[tasks.Record](api, "OK"), "202": answer[broadcast.Recall](api, "Of a broadcast")},
		Errors:      []int{401, 403, 404, 409, 502, 503},
	}, config.ScopeSend, g.recall)
	operation(g, api, huma.Operation{
		OperationID: "replay-message", Method: http.MethodPost, Path: "/v1/messages/{id}/replay", DefaultStatus: http.StatusAccepted,
		Summary: "Replay a dead letter", Tags: []string{"messages"}, Errors: []int{401, 403, 404, 409, 503},
	}, config.ScopeAdmin, g.replay)
}
