package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/internal/submission"
	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// sendFlags are the flags of `wecomq send`.
type sendFlags struct {
	app                    string
	toUser, toParty, toTag []string
	toAll                  bool
	text, markdown, file   string
	image, voice, video    string
	attachment             string
	title, description     string
	batch                  bool
	priority               string
	at                     string
	delay, expiresIn       time.Duration
	idempotencyKey         string
	duplicateCheck         time.Duration
	wait, dryRun           bool
	allowUnknown           bool
	timeout                time.Duration
}

func newSend(g *globals) *cobra.Command {
	f := &sendFlags{}
	cmd := &cobra.Command{
		Use:   "send",
		Short: "Enqueue a message, or a file of them",
		Long: `Checks a message, puts it into the queue and prints
{"id","app","queue","state","duplicate"}. A worker sends it; --wait waits for that,
reports delays on stderr, and prints the record.

A file holds the JSON of WeCom's message/send; agentid may be left out. Beside
WeCom's members it may have app, priority, process_at (RFC 3339), expires_in ("1h"),
idempotency_key and allow_unknown. If the config has several apps, app or --app selects one.

With --batch the file holds one message per line, and the command prints one result per
line, in order: {"line","error"} for an invalid line. The other lines are enqueued all the
same. A file without lines is no error: 0 are enqueued.

With --wait the exit code is 0 for accepted, and for partial, when WeCom accepted only some
of the recipients; 3 if a message was not accepted, 4 if --timeout is over. After errcode
45009 the wait is at least a minute.

--image, --voice, --video and --attach take the path of a file, or its http or https
URL. In a file, a media_id may be "file:PATH" or a URL as well. Files are checked
against WeCom's limits and kept in Redis; the worker uploads each once. A URL must
lead to a public address.`,
		Example: `  wecomq send --to-user zhangsan,lisi --text "Disk full on db-03" --priority critical
  wecomq send --to-party 12 --markdown "### Release 5.2" --at 2026-12-01T09:03:00+08:00
  wecomq send --to-tag 3 --image chart.png
  df -h | wecomq send --to-user zhangsan --text -
  wecomq send -f card.json --wait
  jq -c '.[]' all.json | wecomq send --batch -f - --priority bulk`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("expires-in") && f.expiresIn == 0 {
				return usagef("--expires-in: 0s leaves no time to send it; leave it out for no deadline")
			}
			if err := f.validate(); err != nil {
				return err
			}
			return runSend(cmd.Context(), g, f)
		},
	}
	f.register(cmd)
	return cmd
}

func (f *sendFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	actOnApp(cmd, &f.app)
	flags.StringSliceVar(&f.toUser, "to-user", nil, "user ids, separated by commas")
	flags.StringSliceVar(&f.toParty, "to-party", nil, "department ids")
	flags.StringSliceVar(&f.toTag, "to-tag", nil, "tag ids")
	flags.BoolVar(&f.toAll, "to-all", false, "everybody who can see the app")
	flags.StringVar(&f.text, "text", "", "send this text, at most 2048 bytes; - for stdin")
	flags.StringVar(&f.markdown, "markdown", "", "send this markdown, at most 2048 bytes; - for stdin")
	flags.StringVar(&f.image, "image", "", "send this picture, `FILE` or URL: "+wecom.MediaImage.Limits())
	flags.StringVar(&f.voice, "voice", "", "send this recording, `FILE` or URL: "+wecom.MediaVoice.Limits())
	flags.StringVar(&f.video, "video", "", "send this video, `FILE` or URL: "+wecom.MediaVideo.Limits())
	flags.StringVar(&f.attachment, "attach", "", "send this file, `FILE` or URL: "+wecom.MediaFile.Limits())
	flags.StringVar(&f.title, "title", "", "title of the video, at most 128 bytes")
	flags.StringVar(&f.description, "description", "", "description of the video, at most 512 bytes")
	flags.StringVarP(&f.file, "file", "f", "", "message/send JSON `FILE`, - for stdin")
	flags.BoolVar(&f.batch, "batch", false, "the file holds one message per line (NDJSON)")
	flags.BoolVar(&f.allowUnknown, "allow-unknown", false, "pass on members and msgtypes of the file that wecomq does not know")
	flags.StringVar(&f.priority, "priority", "", "critical, default or bulk (default \"default\")")
	flags.StringVar(&f.at, "at", "", "send at this `TIME`, RFC 3339, e.g. 2026-12-01T09:03:00+08:00")
	flags.DurationVar(&f.delay, "delay", 0, "send after this time, e.g. 10m")
	flags.DurationVar(&f.expiresIn, "expires-in", 0, "give up if it is not sent within this time, e.g. 1h")
	flags.StringVar(&f.idempotencyKey, "idempotency-key", "", "a repeat with the same `KEY` returns the first message; another message is refused")
	flags.DurationVar(&f.duplicateCheck, "duplicate-check", 0, "WeCom suppresses equal messages within this time, 1s to 4h")
	flags.BoolVar(&f.wait, "wait", false, "wait until the message is finished and print its record; exit 3 if it was rejected")
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "how long --wait waits; exit 4 after that")
	flags.BoolVar(&f.dryRun, "dry-run", false, "only check: print what WeCom would get, enqueue nothing")
}

// validate checks combinations of flags.
func (f *sendFlags) validate() error {
	for _, check := range []func() error{f.validateContent, f.validateRecipients, f.validateDurations} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (f *sendFlags) validateContent() error {
	switch {
	case f.contents() != 1:
		return usagef("give one of --text, --markdown, --image, --voice, --video, --attach and --file; see 'wecomq send --help'")
	case f.video == "" && f.title+f.description != "":
		return usagef("--title and --description go with --video only")
	case f.batch && f.file == "":
		return usagef("--batch needs --file, - for stdin")
	case f.allowUnknown && f.file == "":
		return usagef("--allow-unknown goes with --file only")
	case f.batch && f.idempotencyKey != "":
		return usagef("--idempotency-key does not go with --batch, all messages would be one: give each line an idempotency_key")
	}
	return nil
}

func (f *sendFlags) validateRecipients() error {
	named := len(f.toUser)+len(f.toParty)+len(f.toTag) > 0
	switch {
	case f.file != "" && (named || f.toAll):
		return usagef("--to-user, --to-party, --to-tag and --to-all cannot be combined with --file: the file has the recipients")
	case f.file == "" && !named && !f.toAll:
		return usagef("give recipients: --to-user, --to-party, --to-tag or --to-all")
	case f.toAll && named:
		return usagef("--to-all does not go with other recipients: WeCom would ignore them")
	}
	return nil
}

func (f *sendFlags) validateDurations() error {
	switch {
	case f.at != "" && f.delay != 0:
		return usagef("--at and --delay: give one of them")
	case f.delay < 0:
		return usagef("--delay: %s is negative", f.delay)
	case f.expiresIn < 0:
		return usagef("--expires-in: %s is negative", f.expiresIn)
	case f.timeout <= 0:
		return usagef("--timeout: %s is not positive", f.timeout)
	}
	return nil
}

// contents counts how many of the flags for a content are given.
func (f *sendFlags) contents() int {
	n := 0
	for _, content := range []string{f.text, f.markdown, f.image, f.voice, f.video, f.attachment, f.file} {
		if content != "" {
			n++
		}
	}
	return n
}

// options are the options that the flags set for every message.
func (f *sendFlags) options() (producer.Options, error) {
	o := producer.Options{
		Priority: tasks.Priority(f.priority), Delay: f.delay, ExpiresIn: f.expiresIn, IdempotencyKey: f.idempotencyKey,
	}
	if f.at != "" {
		at, err := time.Parse(time.RFC3339, f.at)
		if err != nil {
			return o, usagef("--at: %q is not RFC 3339, e.g. 2026-12-01T09:03:00+08:00", f.at)
		}
		o.At = at
	}
	if f.duplicateCheck != 0 {
		seconds := f.duplicateCheck / time.Second
		if f.duplicateCheck%time.Second != 0 || seconds < 1 || seconds > message.MaxDuplicateCheckInterval {
			return o, usagef("--duplicate-check: %s is not between 1s and 4h in whole seconds", f.duplicateCheck)
		}
	}
	if err := o.Validate(); err != nil {
		return o, &exitError{exitUsage, err}
	}
	if f.idempotencyKey != "" {
		if err := envelope.ValidateKey(f.idempotencyKey); err != nil {
			return o, &exitError{exitUsage, err}
		}
	}
	return o, nil
}

func runSend(ctx context.Context, g *globals, f *sendFlags) error {
	terms, err := f.terms()
	if err != nil {
		return err
	}
	in, err := f.input(g)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if f.dryRun {
		return f.show(ctx, g, terms, in)
	}
	d, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if terms.Outlets, err = submission.NewOutlets(d.Config, f.app, opener(d)); err != nil {
		return err
	}
	var w *waiter
	if f.wait {
		w = newWaiter(g, d, f.timeout)
	}
	if f.batch {
		s := &batchSender{globals: g, waiter: w}
		return s.run(ctx, terms.Lines(in, f.inputName()))
	}
	item, err := f.item(ctx, terms, in)
	if err != nil {
		return err
	}
	result := item.Outlet.Queue.SendBatch(ctx, []tasks.Message{item.Message})[0]
	switch {
	case result.Err != nil:
		return enqueueError(result.Err)
	case w != nil:
		return w.one(ctx, result.Receipt)
	}
	return g.printReceipt(result.Receipt)
}

// opener opens the apps that messages are for.
func opener(d *daemon.Deployment) func(*config.App) (*submission.Outlet, error) {
	return func(app *config.App) (*submission.Outlet, error) {
		queue, err := d.Producer(app)
		return &submission.Outlet{AgentID: app.AgentID, Queue: queue, Files: media.LocalFiles{Store: d.Media(app)}}, err
	}
}

// show is the dry run, which needs no Redis.
func (f *sendFlags) show(ctx context.Context, g *globals, terms *submission.Terms, in io.Reader) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	terms.Outlets, err = submission.NewOutlets(cfg, f.app, func(app *config.App) (*submission.Outlet, error) {
		return &submission.Outlet{AgentID: app.AgentID}, nil
	})
	if err != nil {
		return err
	}
	if f.batch {
		return g.dryRun(ctx, terms.Lines(in, f.inputName()))
	}
	item, err := f.item(ctx, terms, in)
	if err != nil {
		return err
	}
	return g.printItem(item)
}

// terms are the settings of the flags for every message.
func (f *sendFlags) terms() (*submission.Terms, error) {
	options, err := f.options()
	options.Actor = actor()
	return &submission.Terms{Options: options, DuplicateCheck: int(f.duplicateCheck / time.Second), AllowUnknown: f.allowUnknown}, err
}

// input is the file that the flags name. Without one it is empty, and the flags contain the message.
func (f *sendFlags) input(g *globals) (io.ReadCloser, error) {
	if f.file == "" {
		return io.NopCloser(strings.NewReader("")), f.readText(g.stdin)
	}
	return g.openFile("--file", f.file)
}

// inputName is the name of the file in errors.
func (f *sendFlags) inputName() string {
	if f.file == "-" {
		return "stdin"
	}
	return f.file
}

// item returns the single message.
func (f *sendFlags) item(ctx context.Context, terms *submission.Terms, in io.Reader) (submission.Item, error) {
	if f.file == "" {
		return terms.Request(ctx, f.request())
	}
	return terms.File(ctx, in, f.inputName())
}

// enqueueError distinguishes a Redis that did not answer from an invalid message.
func enqueueError(err error) error {
	var unavailable *producer.RedisError
	if errors.As(err, &unavailable) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("not enqueued: %w", err)
	}
	return &exitError{exitUsage, err}
}

// readText replaces a text of "-" by stdin.
func (f *sendFlags) readText(in io.Reader) error {
	for name, text := range map[string]*string{"--text": &f.text, "--markdown": &f.markdown} {
		if *text != "-" {
			continue
		}
		words, err := io.ReadAll(io.LimitReader(in, message.MaxBodyBytes))
		if err != nil {
			return fmt.Errorf("read stdin: %w", err)
		}
		*text = strings.TrimRight(string(textfile.TrimMark(words)), "\r\n")
		if *text == "" {
			return usagef("%s -: stdin is empty", name)
		}
	}
	return nil
}

// request is the message given by the flags.
func (f *sendFlags) request() message.Request {
	to := message.Recipients{Users: f.toUser, Parties: f.toParty, Tags: f.toTag}
	if f.toAll {
		to = message.Recipients{Users: []string{message.AllUsers}}
	}
	return message.WithRecipients(f.content(&message.SendRequestCommon{}), to)
}

// content is the message with its content.
func (f *sendFlags) content(common *message.SendRequestCommon) message.Request {
	switch {
	case f.markdown != "":
		return message.SendMarkdownRequest{SendRequestCommon: common, Markdown: message.MarkdownField{Content: f.markdown}}
	case f.image != "":
		return message.SendImageRequest{SendRequestCommon: common, Image: message.ImageField{MediaID: mediaOf(f.image)}}
	case f.voice != "":
		return message.SendVoiceRequest{SendRequestCommon: common, Voice: message.VoiceField{MediaID: mediaOf(f.voice)}}
	case f.video != "":
		return message.SendVideoRequest{SendRequestCommon: common, Video: message.VideoField{
			MediaID: mediaOf(f.video), Title: f.title, Description: f.description,
		}}
	case f.attachment != "":
		return message.SendFileRequest{SendRequestCommon: common, File: message.FileField{MediaID: mediaOf(f.attachment)}}
	}
	return message.SendTextRequest{SendRequestCommon: common, Text: message.TextField{Content: f.text}}
}

// mediaOf converts a path or a URL to the form of a message.
func mediaOf(source string) string {
	if strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") {
		return source
	}
	return "file:" + source
}
