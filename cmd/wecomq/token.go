package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/tasks"
)

func newToken(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Create a token for the gateway, and show the usage of tokens",
		Args:  arguments(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTokenNew(g), newTokenList(g))
	return cmd
}

// tokenFlags are the flags of `wecomq token new`.
type tokenFlags struct {
	name         string
	apps, scopes []string
	expires      string
}

func newTokenNew(g *globals) *cobra.Command {
	f := &tokenFlags{}
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Create a token, and its item for the config",
		Long: `Prints a token, which is shown only once, and the item for gateway.tokens of the
config, which contains only its SHA-256. The config is not changed: add the item, and
reload with SIGHUP. To replace a token, keep both in the config for a while, under
two names.`,
		Example: `  wecomq token new --name builds --apps ops --scopes send,read
  wecomq token new --name audit --apps ops,hr --scopes read --expires 2027-01-31`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if err := f.validate(); err != nil {
				return err
			}
			return f.print(g)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "who uses it; records and logs show this `NAME`")
	flags.StringSliceVar(&f.apps, "apps", nil, "apps that it may use, separated by commas")
	flags.StringSliceVar(&f.scopes, "scopes", nil, "what it may do: send, recall, read, admin, approve")
	flags.StringVar(&f.expires, "expires", "", "when it expires: at the end of this `DATE` in UTC, or at a time in RFC 3339")
	return cmd
}

func (f *tokenFlags) validate() error {
	switch {
	case f.name == "":
		return usagef("--name: say who uses it")
	case len(f.apps) == 0:
		return usagef("--apps: say which apps it may use")
	case len(f.scopes) == 0:
		return usagef("--scopes: give one or more of %v", config.Scopes())
	}
	for _, app := range f.apps {
		if err := tasks.ValidateApp(app); err != nil {
			return usagef("--apps: %w", err)
		}
	}
	for _, scope := range f.scopes {
		if !slices.Contains(config.Scopes(), config.Scope(scope)) {
			return usagef("--scopes: %q is not one of %v", scope, config.Scopes())
		}
	}
	if f.expires == "" {
		return nil
	}
	end, err := config.ParseExpiry(f.expires)
	if err == nil && !end.After(time.Now()) {
		err = fmt.Errorf("%s is over", f.expires)
	}
	if err != nil {
		return usagef("--expires: %w", err)
	}
	return nil
}

// tokenBytes is the number of random bytes of a token.
const tokenBytes = 32

func (f *tokenFlags) print(g *globals) error {
	drawn := make([]byte, tokenBytes)
	_, _ = rand.Read(drawn) // it never fails
	token := hex.EncodeToString(drawn)
	line := f.line(sha256.Sum256([]byte(token)))
	if g.output == "json" {
		return printout.JSON(g.stdout, struct {
			Token  string `json:"token"`
			Config string `json:"config"`
		}{token, line})
	}
	_, err := fmt.Fprintf(g.stdout, "%s\n\ngateway:\n  tokens:\n    - %s\n", token, line)
	return err
}

// line is the item for gateway.tokens.
func (f *tokenFlags) line(sum [sha256.Size]byte) string {
	fields := []string{
		"name: " + strconv.Quote(f.name), fmt.Sprintf(`sha256: "%x"`, sum),
		"apps: [" + strings.Join(f.apps, ", ") + "]", "scopes: [" + strings.Join(f.scopes, ", ") + "]",
	}
	if f.expires != "" {
		fields = append(fields, "expires: "+strconv.Quote(f.expires))
	}
	return "{" + strings.Join(fields, ", ") + "}"
}
