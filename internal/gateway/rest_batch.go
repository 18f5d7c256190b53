package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/tasks"
)

const ndjson = "application/x-ndjson"

// idleTime is how long a client may take to read a piece of a response.
const idleTime = 30 * time.Second

// maxStreams is how many batches may be read at once.
const maxStreams = 64

// batchBounds limit the lines that are enqueued together.
var batchBounds = envelope.Bounds{Lines: 500, Bytes: 1 << 20, Buffer: 64 << 10}

type batchInput struct {
	App            string         `query:"app" maxLength:"32" doc:"App of the lines that name none"`
	Priority       tasks.Priority `query:"priority" enum:"critical,default,bulk" doc:"Priority of the lines that name none"`
	IdempotencyKey string         `header:"Idempotency-Key" doc:"Gives line N the key KEY/N if it has none of its own: the whole batch can be sent again"`

	kind string // of the body
}

// Resolve keeps the parts of the request that the handler cannot see.
func (in *batchInput) Resolve(ctx huma.Context) []error {
	in.kind = ctx.Header("Content-Type")
	return nil
}

// lineResult is the result of a line: a receipt, or a status and the reason.
type lineResult struct {
	Line int `json:"line"`
	*Receipt

	Status int                 `json:"status,omitempty"`
	Error  string              `json:"error,omitempty"`
	Errors []*huma.ErrorDetail `json:"errors,omitempty"`
	Limit  *problem.Limit      `json:"limit,omitempty"`
}

// batch serves POST /v1/messages:batch.
func (g *Gateway) batch(_ context.Context, in *batchInput) (*huma.StreamResponse, error) {
	if in.IdempotencyKey != "" {
		if err := envelope.ValidateKey(in.IdempotencyKey); err != nil {
			return nil, err
		}
	}
	if err := intake.CheckKind(in.kind, lineKinds...); err != nil {
		return nil, fmt.Errorf("%w: the lines themselves, as with curl --data-binary @messages.ndjson", err)
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) { //nolint:contextcheck // the batch carries its context
		r, w := humago.Unwrap(ctx)
		r = r.WithContext(ctx.Context())
		release, err := g.takeStream(r.Context())
		if err != nil {
			g.fail(w, r, err)
			return
		}
		defer release()
		conn := http.NewResponseController(w)
		w.Header().Set("Connection", "close") // net/http cannot reuse the connection after a full-duplex body that was not read to its end
		_ = conn.EnableFullDuplex()           // HTTP/2 always is
		body := intake.NewStream(w, r, intake.Line, g.stopping)
		defer body.End()
		account := intake.AccountOf(r.Context())
		bounds := batchBounds
		bounds.Charge = account.Take
		b := &batch{Gateway: g, ctx: ctx.Context(), defaults: in, body: body, account: account, lines: envelope.NewLines(body, bounds), w: w, conn: conn}
		if err := b.run(); err != nil {
			b.end(r, err)
		}
	}}, nil
}

// batch is one request being processed.
type batch struct {
	*Gateway

	ctx      context.Context //nolint:containedctx // it lives only as long as the request
	defaults *batchInput
	body     *intake.Stream
	account  *intake.Account // of the lines that are in memory
	lines    *envelope.Lines
	w        http.ResponseWriter
	conn     *http.ResponseController
	started  bool        // the response has begun
	away     *lineResult // result of the first line that Redis did not confirm
}

// run enqueues and answers one chunk after another, until the body ends or the process stops. Once Redis is
// unavailable, nothing more is enqueued, so that the lines stay in order; all of them are answered.
func (b *batch) run() error {
	for {
		b.body.Restart() // each line may take a while to arrive
		chunk, end := b.lines.Chunk()
		if len(chunk) > 0 {
			if err := b.handle(chunk); err != nil {
				return err
			}
			b.account.Release()
		}
		switch {
		case errors.Is(end, io.EOF) && !b.started: // the body is empty or has blank lines only
			return fmt.Errorf("%w: the body has no line", problem.ErrMalformed)
		case errors.Is(end, io.EOF):
			return nil
		case end != nil:
			return end
		}
	}
}

// end reports why a batch was not completed: as a problem, or as a last line if the
// response has begun.
func (b *batch) end(r *http.Request, err error) {
	if problem.Status(err) == http.StatusInternalServerError {
		return // the client has gone away
	}
	if !b.started {
		b.fail(b.w, r, err)
		return
	}
	_ = b.write([]lineResult{b.fault(b.lines.Number()+1, err)})
}

// handle enqueues a chunk and answers its lines.
func (b *batch) handle(chunk []envelope.Line) error {
	results := make([]lineResult, len(chunk))
	if b.away != nil {
		for i, l := range chunk {
			results[i] = b.unconfirmed(l.Number, nil)
		}
		return b.write(results)
	}
	pending := map[string]*pendingApp{}
	for i, l := range chunk {
		app, m, err := b.parse(l)
		if err != nil {
			results[i] = b.fault(l.Number, err)
			continue
		}
		if pending[app] == nil {
			pending[app] = &pendingApp{}
		}
		pending[app].add(i, m)
	}
	away := b.enqueue(pending, chunk, results)
	if away != nil && !b.started && !slices.ContainsFunc(results, func(r lineResult) bool { return r.Receipt != nil }) {
		return away
	}
	return b.write(results)
}

// unconfirmed is the result of a line that Redis did not confirm. Only the first is logged.
func (b *batch) unconfirmed(number int, err error) lineResult {
	if b.away == nil {
		first := b.fault(number, err)
		b.away = &first
	}
	result := *b.away
	result.Line = number
	return result
}

// pendingApp are the messages of one app in a chunk, and their positions in it.
type pendingApp struct {
	messages []tasks.Message
	places   []int
}

func (p *pendingApp) add(place int, m tasks.Message) {
	p.messages, p.places = append(p.messages, m), append(p.places, place)
}

// enqueue fills in the results. It returns the error of Redis if Redis is unavailable.
func (b *batch) enqueue(pending map[string]*pendingApp, chunk []envelope.Line, results []lineResult) (away error) {
	ctx, cancel := detached(b.ctx, storeTime)
	defer cancel()
	for app, p := range pending {
		for n, result := range b.services.Queue.Enqueue(ctx, app, p.messages) {
			place := p.places[n]
			number := chunk[place].Number
			if result.Err == nil {
				receipt := receiptOf(result.Receipt)
				results[place] = lineResult{Line: number, Receipt: &receipt}
				continue
			}
			if errors.Is(result.Err, ErrUnavailable) {
				away = result.Err
				results[place] = b.unconfirmed(number, away)
				continue
			}
			results[place] = b.fault(number, refusal(result.Err))
		}
	}
	return away
}

// parse reads a line.
func (b *batch) parse(l envelope.Line) (app string, m tasks.Message, err error) {
	e, err := l.Parse()
	if err != nil {
		return "", tasks.Message{}, malformed(err)
	}
	e.App = cmp.Or(e.App, b.defaults.App)
	defaults := tasks.Options{Priority: b.defaults.Priority}
	if key := b.defaults.IdempotencyKey; key != "" {
		defaults.IdempotencyKey = fmt.Sprintf("%s/%d", key, l.Number)
	}
	owner, m, err := b.compose(b.ctx, e, defaults)
	return owner.Name, m, err
}

// fault is the result of a line that was not enqueued.
func (b *batch) fault(number int, err error) lineResult {
	p := b.report(b.ctx, err)
	return lineResult{Line: number, Status: p.Status, Error: p.Detail, Errors: p.Errors, Limit: p.Limit}
}

// write writes the results of several lines together.
func (b *batch) write(results []lineResult) error {
	if !b.started {
		b.started = true
		b.w.Header().Set("Content-Type", ndjson)
		b.w.WriteHeader(http.StatusOK)
	}
	_ = b.conn.SetWriteDeadline(time.Now().Add(idleTime))
	enc := json.NewEncoder(b.w)
	enc.SetEscapeHTML(false)
	for _, result := range results {
		if err := enc.Encode(result); err != nil {
			return fmt.Errorf("answer line %d: %w", result.Line, err)
		}
	}
	_ = b.conn.Flush() // only the writers of tests cannot flush
	return nil
}

func (g *Gateway) registerBatch(api huma.API) {
	text := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Description: "One JSON object per line"}}
	operation(g, api, huma.Operation{
		OperationID: "send-batch", Method: http.MethodPost, Path: "/v1/messages:batch",
		Summary: "Enqueue any number of messages, one per line", Tags: []string{"messages"},
		Description: "NDJSON both ways: each line of the body is a body of POST /v1/messages, and is answered by a line, in order: " +
			`{"line","id","state","duplicate"} or {"line","status","error","errors","limit"}. Every line is answered; after one with status 503, which Redis did not confirm, no other is enqueued. Read the answers while you send: they are not kept.`,
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{ndjson: text}},
		Responses:   map[string]*huma.Response{"200": {Description: "One line per line", Content: map[string]*huma.MediaType{ndjson: text}}},
		Errors:      []int{400, 401, 403, 408, 415, 422, 503},
	}, config.ScopeSend, g.batch)
}
