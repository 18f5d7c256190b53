package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// broadcastCreateFlags are the flags of `wecomq broadcast create`.
type broadcastCreateFlags struct {
	app, list               string
	text, template, message string
	msgType                 string
	at, between             string
	rate                    int
	expiresIn               time.Duration
	encoding, header        string
	skipInvalid             bool
	approve, dryRun         bool
	testTo                  string
	idempotencyKey          string
}

func newBroadcastCreate(g *globals) *cobra.Command {
	f := &broadcastCreateFlags{}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create a broadcast from a list of recipients",
		Long: `Reads a list of recipients, checks all of it, stores the broadcast, and lets workers send
it. Prints {"id","app","recipients","calls","eta"}.

The list is CSV: UTF-8, UTF-16 or GB18030, with or without a header. The recipient is in
the column userid, or else in the first. A template is a Go text/template over the
columns, for example {{.name}}; in a message file each string may be a template.
Recipients with the same text share a call. A recipient listed twice, ignoring case, gets
the message once.

Nothing is sent if any line is wrong: the first twenty are listed with line, column and
reason. --skip-invalid leaves them out instead.

The command may be repeated: while the broadcast is kept, the same content returns the same
broadcast, unless --idempotency-key differs. After Ctrl-C or a lost connection, repeat the
command too; nothing is sent until the broadcast is stored completely.`,
		Example: `  wecomq broadcast create --app ops -f recipients.csv --text "Holiday: 1-7 October"
  wecomq broadcast create -f people.csv --template hello.tmpl --test-to zhangsan
  wecomq broadcast create -f people.csv -m card.json --at 2026-12-01T09:00:00+08:00 \
    --between 09:00-18:00 --rate 5000`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.validate(); err != nil {
				return err
			}
			return f.run(cmd.Context(), g)
		},
	}
	f.register(cmd)
	return cmd
}

func (f *broadcastCreateFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	actOnApp(cmd, &f.app)
	flags.StringVarP(&f.list, "file", "f", "", "list of recipients, CSV `FILE`, - for stdin")
	flags.StringVar(&f.text, "text", "", "send this text to everybody, as it is")
	flags.StringVar(&f.template, "template", "", "render this template `FILE` for each recipient")
	flags.StringVar(&f.msgType, "type", "text", "of --text and --template: text or markdown")
	flags.StringVarP(&f.message, "message", "m", "", "message/send JSON `FILE` without recipients, whose strings may be templates")
	flags.StringVar(&f.at, "at", "", "begin at this `TIME`, RFC 3339, e.g. 2026-12-01T09:00:00+08:00")
	flags.IntVar(&f.rate, "rate", 0, "reach at most `N` recipients a minute (default: the app's limit)")
	flags.StringVar(&f.between, "between", "", "send in these `HOURS` of the day only, in the app's time zone, e.g. 09:00-18:00")
	flags.DurationVar(&f.expiresIn, "expires-in", 0, "give up on recipients not reached within this time after its start, e.g. 48h")
	flags.StringVar(&f.encoding, "encoding", "", "of the list: "+strings.Join(compose.Encodings(), ", ")+" (default detected)")
	flags.StringVar(&f.header, "header", "auto", "whether the list's first line names its columns: auto, yes or no")
	flags.BoolVar(&f.skipInvalid, "skip-invalid", false, "skip invalid lines")
	flags.StringVar(&f.testTo, "test-to", "", "first send three of the messages to this `USER`; create it only if WeCom accepts them")
	flags.BoolVar(&f.approve, "approve", false, "wait until somebody else approves it")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only check: print what would be sent, store nothing")
	flags.StringVar(&f.idempotencyKey, "idempotency-key", "", "a repeat with the same `KEY` returns the first broadcast; another one is refused")
}

// validate checks combinations of flags.
func (f *broadcastCreateFlags) validate() error {
	for _, check := range []func() error{f.validateFiles, f.validateNumbers, f.validateNames} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (f *broadcastCreateFlags) validateFiles() error {
	contents := slices.DeleteFunc([]string{f.text, f.template, f.message}, func(content string) bool { return content == "" })
	switch {
	case f.list == "":
		return usagef("give the recipients with --file, - for stdin; see 'wecomq broadcast create --help'")
	case len(contents) != 1:
		return usagef("give one of --text, --template and --message; see 'wecomq broadcast create --help'")
	case f.list == "-" && contents[0] == "-" && f.text == "":
		return usagef("only one file can be stdin")
	}
	return nil
}

func (f *broadcastCreateFlags) validateNumbers() error {
	switch {
	case f.rate < 0:
		return usagef("--rate: %d is negative", f.rate)
	case f.expiresIn < 0:
		return usagef("--expires-in: %s is negative", f.expiresIn)
	case f.header != "auto" && f.header != "yes" && f.header != "no":
		return usagef("--header: %q is not one of auto, yes, no", f.header)
	}
	return nil
}

func (f *broadcastCreateFlags) validateNames() error {
	if err := compose.CheckEncoding(f.encoding); err != nil {
		return usagef("--encoding: %w", err)
	}
	if f.testTo != "" {
		if err := message.CheckUserID(f.testTo); err != nil {
			return usagef("--test-to: %w", err)
		}
	}
	if f.idempotencyKey != "" {
		if err := envelope.ValidateKey(f.idempotencyKey); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	return nil
}

func (f *broadcastCreateFlags) run(ctx context.Context, g *globals) error {
	template, err := f.parse(g)
	if err != nil {
		return err
	}
	d, app, err := f.open(ctx, g)
	if err != nil {
		return err
	}
	defer d.Close()
	ctx = acting(ctx, d)
	spec, err := f.spec(app, template)
	if err != nil {
		return err
	}
	if spec.Template, err = f.attach(ctx, d, app, spec); err != nil {
		return err
	}
	list, err := f.compile(ctx, g, spec.Template)
	if err != nil {
		return err
	}
	defer func() { _ = list.Close() }()
	desk := d.BroadcastDesk(app)
	spec.NeedsApproval = f.approve || desk.MustBeApproved(list.Summary.Recipients)
	c := &broadcastCreation{
		globals: g, deployment: d, app: app, desk: desk, draft: broadcast.Draft{Spec: spec, List: list, Key: f.idempotencyKey},
	}
	c.tellSkipped()
	if f.dryRun {
		return c.printPreview(ctx)
	}
	return c.create(ctx, f.testTo)
}

func (f *broadcastCreateFlags) open(ctx context.Context, g *globals) (*daemon.Deployment, *config.App, error) {
	d, err := g.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	app, err := d.Config.App(f.app)
	if err != nil {
		d.Close()
	}
	return d, app, err
}

// parse parses the template that the flags name.
func (f *broadcastCreateFlags) parse(g *globals) (*compose.Template, error) {
	var template *compose.Template
	var err error
	switch {
	case f.text != "":
		template, err = compose.Text(message.Type(f.msgType), f.text)
	case f.template != "":
		var text []byte
		if text, err = g.readFile("--template", f.template); err == nil {
			words := strings.TrimRight(string(textfile.TrimMark(text)), "\r\n") // which editors add
			template, err = compose.TextTemplate(message.Type(f.msgType), words)
		}
	default:
		var body []byte
		if body, err = g.readFile("--message", f.message); err == nil {
			template, err = compose.ParseTemplate(textfile.TrimMark(body))
		}
	}
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return template, nil
}

// attach stores the files that the message names, as send does: all calls share them.
func (f *broadcastCreateFlags) attach(ctx context.Context, d *daemon.Deployment, app *config.App, spec broadcast.Spec) (*compose.Template, error) {
	var files media.LocalFiles
	if !f.dryRun {
		files.Store = d.Media(app)
	}
	template, err := spec.Template.Map(func(request message.Request) (message.Request, error) {
		m, err := files.Attach(ctx, tasks.Message{Request: request, Options: tasks.Options{At: spec.At}})
		return m.Request, err
	})
	if _, unavailable := errors.AsType[*producer.RedisError](err); err != nil && !unavailable {
		err = &exitError{exitUsage, err}
	}
	return template, err
}

// spec is the broadcast described by the flags.
func (f *broadcastCreateFlags) spec(app *config.App, template *compose.Template) (broadcast.Spec, error) {
	spec := broadcast.Spec{Template: template, Rate: f.rate, ExpiresIn: f.expiresIn, CreatedBy: actor()}
	var err error
	if f.at != "" {
		if spec.At, err = time.Parse(time.RFC3339, f.at); err != nil {
			return spec, usagef("--at: %q is not RFC 3339, e.g. 2026-12-01T09:00:00+08:00", f.at)
		}
	}
	if f.between != "" {
		if spec.Between, err = broadcast.ParseHours(f.between, app.Location()); err != nil {
			return spec, usagef("--between: %w", err)
		}
	}
	return spec, nil
}

// compile reads and checks the list.
func (f *broadcastCreateFlags) compile(ctx context.Context, g *globals, template *compose.Template) (*compose.Compiled, error) {
	in, err := g.openFile("--file", f.list)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	progress := newProgress(g.stderr, "rows", "checked")
	seen := 0
	list, err := compose.Compile(ctx, in, template, compose.Options{
		Encoding: f.encoding, Header: f.headerOption(), SkipInvalid: f.skipInvalid,
		Progress: func(rows int) {
			progress.add(rows - seen)
			seen = rows
		},
	})
	progress.end()
	if wrong, ok := errors.AsType[*compose.ListError](err); ok {
		for _, p := range wrong.Problems {
			_, _ = fmt.Fprintln(g.stderr, p)
		}
		if wrong.Invalid == 0 { // the fault is not of single rows
			return nil, usagef("--file: %s: the list cannot be used as it is; nothing was sent", f.list)
		}
		return nil, usagef("--file: %s: %d invalid lines; nothing was sent. Fix them, or skip them with --skip-invalid",
			f.list, wrong.Invalid)
	}
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w; nothing was sent. Repeat the command", err)
	}
	return list, err
}

func (f *broadcastCreateFlags) headerOption() compose.Header {
	if f.header == "auto" {
		return compose.HeaderAuto
	}
	return compose.Header(f.header)
}
