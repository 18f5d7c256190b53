package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/wecom"
)

// explanation is what `wecomq explain` says of an errcode.
type explanation struct {
	Code    int64  `json:"errcode"`
	Class   string `json:"class"`
	Meaning string `json:"meaning"`
	Hint    string `json:"hint"`
	Effect  string `json:"effect"`
}

// effects say what wecomq does with a message and its app, by class.
var effects = map[wecom.Language]map[wecom.Class]string{
	wecom.English: {
		wecom.ClassOK:          "The message is accepted; recipients that WeCom refused are in its record.",
		wecom.ClassTransient:   "The message is retried: three times within seconds, then at growing intervals.",
		wecom.ClassRate:        "The message is held and uses up no attempt; the app cools down on all hosts.",
		wecom.ClassConcurrency: "The message is retried in one to three seconds and uses up no attempt.",
		wecom.ClassToken:       "A new access token is fetched, once for all processes, and the same attempt continues.",
		wecom.ClassMedia:       "The message is rejected: upload the file again and send a new message.",
		wecom.ClassRecipient:   "The message is rejected; its recipients are in the record.",
		wecom.ClassContent:     "The message is rejected: WeCom will not accept it as it is.",
		wecom.ClassConfig:      "The message is held, not lost, and retried every few minutes; if the whole app is affected, it is suspended.",
		wecom.ClassOther:       "The message is rejected: retrying would not help.",
	},
	wecom.Chinese: {
		wecom.ClassOK:          "消息已接受；被企业微信拒绝的接收人见记录。",
		wecom.ClassTransient:   "消息会自动重试：几秒内重试三次，之后间隔逐渐加长。",
		wecom.ClassRate:        "消息暂缓发送，不消耗重试次数；所有主机上的该应用一起进入限流冷却。",
		wecom.ClassConcurrency: "消息在一到三秒后重试，不消耗重试次数。",
		wecom.ClassToken:       "重新获取 access_token，所有进程只获取一次，然后继续本次发送。",
		wecom.ClassMedia:       "消息被拒绝：请重新上传文件，再发送新消息。",
		wecom.ClassRecipient:   "消息被拒绝；接收人见记录。",
		wecom.ClassContent:     "消息被拒绝：企业微信不接受这样的内容。",
		wecom.ClassConfig:      "消息暂缓发送，不会丢失，每隔几分钟重试；如果整个应用都受影响，应用会被挂起。",
		wecom.ClassOther:       "消息被拒绝：重试没有用。",
	},
}

// explanationForms are the lines of an explanation.
var explanationForms = map[wecom.Language]string{
	wecom.English: "%d  %s\n\nclass      %s\nwecomq     %s\nwhat to do %s\n",
	wecom.Chinese: "%d  %s\n\n类别     %s\nwecomq   %s\n处理办法 %s\n",
}

// language is that of the locale.
func (g *globals) language() wecom.Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		switch locale, _ := g.lookupEnv(name); {
		case strings.HasPrefix(locale, string(wecom.Chinese)):
			return wecom.Chinese
		case locale != "":
			return wecom.English
		}
	}
	return wecom.English
}

func newExplain(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [ERRCODE]",
		Short: "Explain a WeCom errcode and what to do about it",
		Long: `Explains what a WeCom errcode means, what wecomq does about it, and what you can
do. Without an errcode it lists all known errcodes. In Chinese where the locale is
(LC_ALL, LC_MESSAGES or LANG begins with zh).`,
		Example: "  wecomq explain 60020\n  wecomq explain -o json 45009",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return g.explainAll()
			}
			n, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usagef("explain: %q is not an errcode, a number such as 45009", args[0])
			}
			return g.explain(wecom.Code(n))
		},
	}
}

func (g *globals) explain(code wecom.Code) error {
	l := g.language()
	e := explanation{int64(code), code.Class().String(), code.MeaningIn(l), code.HintIn(l), effects[l][code.Class()]}
	if g.output == "json" {
		return printout.JSON(g.stdout, e)
	}
	_, err := fmt.Fprintf(g.stdout, explanationForms[l], e.Code, e.Meaning, e.Class, e.Effect, e.Hint)
	return err
}

func (g *globals) explainAll() error {
	for _, code := range wecom.Codes() {
		if g.output == "json" {
			if err := g.explain(code); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(g.stdout, "%8d  %-11s  %s\n", int64(code), code.Class(), code.MeaningIn(g.language())); err != nil {
			return err
		}
	}
	return nil
}
