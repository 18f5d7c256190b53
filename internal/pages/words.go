package pages

// inEnglish has the texts of symbolic keys.
var inEnglish = map[string]string{
	"state: scheduled": "scheduled", "state: queued": "queued", "state: held": "held", "state: sending": "sending",
	"state: accepted": "accepted", "state: partial": "partial", "state: rejected": "rejected", "state: unknown": "unknown",
	"state: expired": "expired", "state: cancelled": "cancelled",

	"app: running": "running", "app: paused": "paused", "app: penalty": "cooling down", "app: suspended": "suspended", "app: unavailable": "WeCom does not answer",

	"advice: scheduled": "It will be sent at its scheduled time. You can still cancel it.",
	"advice: queued":    "It is waiting for a worker or for its next attempt. Nothing to do; if this does not change, check that a worker is running.",
	"advice: held":      "It is waiting for the reason above. It is sent as soon as that is over, or when the app is resumed.",
	"advice: sending":   "An attempt is in progress. Look again in a moment.",
	"advice: accepted":  "WeCom accepted it for everyone. Nothing to do.",
	"advice: partial":   "WeCom accepted it, except for the recipients below. Once they can be reached, replay it: only they will get it.",
	"advice: rejected":  "Nobody got it. Fix the cause, then replay it. If the message itself is wrong, send a new one.",
	"advice: unknown":   "WeCom did not say whether it accepted it. Ask a recipient, and replay it only if it did not arrive; otherwise they get it twice.",
	"advice: expired":   "Its deadline passed before it could be sent. If it still matters, send a new message.",
	"advice: cancelled": "It was cancelled before it was sent. Nothing to do.",

	"broadcast: creating": "not sent", "broadcast: awaiting_approval": "waits for approval", "broadcast: scheduled": "scheduled",
	"broadcast: running": "running", "broadcast: paused": "paused", "broadcast: cancelled": "cancelled", "broadcast: finished": "finished",

	"act: created": "Created", "act: paused": "Paused", "act: resumed": "Resumed", "act: cancelled": "Cancelled", "act: approved": "Approved",

	"type: text": "text", "type: markdown": "markdown", "type: textcard": "text card", "type: news": "news",

	"end: quota": "At today's quota it ends %s.", "end: hours": "In its hours it ends %s.", "end: rate": "At its own rate it ends %s.",
	"end: app": "It ends %s.",

	"done: replayed":            "Sent again. This is the new message.",
	"done: recalled":            "Recalled from WeCom's clients.",
	"done: cancelled":           "Cancelled: it will not be sent.",
	"done: paused":              "Paused. Calls in flight will finish; nothing new is sent.",
	"done: resumed":             "Resumed.",
	"done: broadcast-cancelled": "Cancelled for all who had not got it. Calls in flight will finish.",
	"done: created":             "Created.",
	"done: approved":            "Approved.",
}

// inChinese has the translations of all texts.
var inChinese = map[string]string{ //nolint:gosec // words, of which some are about tokens
	"Apps": "应用", "Messages": "消息", "Dead letters": "死信", "Queues": "队列面板", "Log out": "退出", "Log in": "登录",
	"Message id, msgid or recipient": "消息 ID、msgid 或接收人", "Search": "搜索", "Language": "语言",
	"No connection. What you see is from":       "连接中断，以下内容更新于",
	"Times are in China Standard Time (UTC+8).": "时间均为北京时间（UTC+8）。",

	"Your token may not use any app in the config.": "该令牌没有可用的应用。",
	"next try in":                           "距下次尝试",
	"Pause":                                 "暂停",
	"Resume":                                "恢复",
	"Stop sending from":                     "停止发送该应用的消息：",
	"Priority":                              "优先级",
	"waiting":                               "排队",
	"held":                                  "暂缓",
	"scheduled":                             "定时",
	"sending":                               "发送中",
	"oldest":                                "最长等待",
	"Quota today":                           "今日额度",
	"of":                                    "/",
	"no limit configured":                   "未配置上限",
	"Rate":                                  "速率",
	"calls a minute":                        "次/分钟",
	"lowered by WeCom's limits, configured": "因企业微信限流降低，配置值",
	"Calls in flight":                       "并发调用数",
	"of the configured, after 45033":        "（占配置值的比例，因 45033 降低）",
	"Last hour":                             "最近一小时",
	"nothing was sent":                      "没有发送消息",
	"of the newest only":                    "仅统计最新的",
	"Errors of the last hour":               "最近一小时的错误",

	"Last audit": "最近一次核对", "in balance": "账目平衡", "messages out of balance": "条消息账目不平", "messages": "条消息", "recipients": "个接收人",
	"invalid": "无效", "unlicensed": "无接口许可", "pending": "待发送",

	"example": "示例",

	"Newest messages": "最新消息", "Messages to": "接收人的消息：", "App": "应用", "State": "状态", "any": "全部", "Show": "筛选",
	"No messages.": "没有消息。", "To": "接收人",
	"A message is listed from its first attempt on, under the recipients that it names: not under departments, tags or @all that they belong to.": "消息从首次尝试发送起可查，且只按消息中写明的接收人查找：不包括其所属部门、标签或 @all。",
	"Older messages were not searched.": "更早的消息未搜索。",

	"These messages reached nobody, or it is not known whether they did.": "这些消息无人收到，或无法确认是否收到。",
	"No dead letters.": "没有死信。",
	"Replay":           "重发",
	"Send it again?":   "重发这条消息？",
	"Many at once: wecomq dead replay --all --errcode N": "批量重发：wecomq dead replay --all --errcode N",

	"What to do": "如何处理", "Recall": "撤回", "Cancel": "取消", "Take it back from WeCom's clients?": "从企业微信客户端撤回？",
	"Cancel this message?": "取消这条消息？", "Attempts": "尝试次数", "Enqueued": "入队时间", "Finished": "完成时间", "Recalled": "撤回时间",
	"<1 s": "不到 1 秒", "%d s": "%d 秒", "%d min": "%d 分钟", "%d h": "%d 小时", "%d d": "%d 天", "%s ago": "%s前",
	"Its turn": "预计发送", "Possible duplicate": "可能重复",
	"it was sent again though WeCom may have taken an earlier attempt": "企业微信可能已接受之前的尝试，但又发送了一次",
	"Replayed as": "重发为", "Replay of": "重发自", "Updated as": "更新为", "Update of": "更新自", "Recipients": "结果", "accepted": "成功", "Invalid": "无效", "Unlicensed": "无接口许可",
	"Invalid departments": "无效部门", "Invalid tags": "无效标签", "wait for a message of their own": "稍后补发", "Parts": "拆分", "What was sent": "发送内容",
	"The whole record": "完整记录", "rejected": "被拒", "unknown": "未知", "expired": "过期", "cancelled": "取消",
	"everyone": "所有人", "department": "部门", "tag": "标签",

	"Token": "令牌", "No such token": "令牌无效", "This token may not read: it lacks the scope read": "该令牌没有读取权限：缺少 read",
	"Log in with a token of gateway.tokens in the config. To look around it needs the scope read, for the buttons admin.": "请使用配置中 gateway.tokens 的令牌登录。查看需要 read 权限，操作需要 admin 权限。",

	"This message cannot be replayed": "无法重发", "This message cannot be recalled": "无法撤回", "This message cannot be cancelled": "无法取消", "App not found": "没有这个应用",
	"Message not found": "没有这条消息", "Its record may have expired, or it belongs to an app that you may not use.": "记录可能已过期，或属于你无权查看的应用。",
	"Redis did not answer": "Redis 无响应", "The messages are safe in Redis. This page works again as soon as Redis does.": "消息安全保存在 Redis 中，Redis 恢复后本页即可使用。",
	"Back": "返回",

	"Broadcasts": "群发", "No broadcasts.": "没有群发。", "Broadcast not found": "没有这个群发",
	"This is not possible now": "现在无法执行此操作",
	"It is checked and not sent yet. It is dropped an hour after the check.":               "已检查，尚未发送；检查一小时后自动丢弃。",
	"Somebody else must approve it, with a token that has the scope approve.":              "须由另一人用具有 approve 权限的令牌批准。",
	"It waits for an approval. Look at the samples, the number of recipients and the end.": "等待批准。请查看示例、接收人数和预计完成时间。",
	"It waits for an approval, for which a token needs the scope approve.":                 "等待批准；批准需要 approve 权限的令牌。",
	"Its end is not known.": "完成时间未知。",
	"Approve":               "批准", "Let it be sent?": "批准发送？", "Pause this broadcast?": "暂停这个群发？",
	"Cancel this broadcast for all who have not got it?": "对所有尚未收到的人取消这个群发？",
	"Calls": "调用", "now": "当前", "recipients a minute at most": "人/分钟（上限）", "Hours": "时段", "Begins": "开始时间", "Began": "已开始",
	"Of the list": "名单", "duplicates": "个重复", "skipped rows": "行跳过", "Calls over time": "调用随时间变化",
	"most": "最多", "in": "/", "calls": "次调用", "with failures": "次有失败", "Errors": "错误", "Report": "报告", "Recipient": "接收人",
	"Not on the list:": "不在名单中：", "Samples": "示例",

	"New broadcast": "新建群发", "The list cannot be sent to as it is.": "名单有问题，无法发送。", "rows with a problem": "行有问题",
	"Checked. Nothing is sent yet.": "检查通过，尚未发送。", "rows": "行", "Quota": "额度", "of today's": "人次 / 今日", "used": "已用", "End": "完成",
	"Duplicates": "重复", "each sent once": "每人只发一次", "line": "第", "first in line": "行，首次出现于行", "Skipped": "跳过", "As it will look": "效果预览",
	"After this, somebody else must approve it, with a token that has the scope approve.": "提交后须由另一人用具有 approve 权限的令牌批准。",
	"Ask for approval to send to": "提交审批，发送给", "Send to": "发送给", "people": "人",
	"Type": "类型", "Text": "内容", "Title": "标题", "Description": "描述", "Link": "链接", "Button": "按钮文字", "Picture (link)": "图片链接",
	"For each their own words, name a column of the list:": "要给每人不同的内容，请写名单中的列名：",
	"Recipients a minute": "每分钟人数", "Skip rows with a problem": "跳过有问题的行", "Somebody else must approve it": "须由另一人批准",
	"List: userids, or CSV with a header": "名单：userid，或带表头的 CSV", "or a CSV file": "或 CSV 文件",
	"For another check, choose or paste the list again.": "再次检查时，请重新选择或粘贴名单。", "Check": "检查", "Check again": "再次检查",
	"Too many lists are being checked; try again in a moment": "正在检查的名单太多，请稍后再试", "The form did not arrive": "未收到表单",
	"It was checked over an hour ago; check it again": "检查已超过一小时，请重新检查", "Somebody else has checked it": "这是他人检查的群发",
	"It has changed since it was checked; check it again": "检查后内容已变化，请重新检查",

	"It was replayed. The new message shows the outcome.": "已重发：结果见新消息。",
	"It was recalled. Nobody can see it any more.":        "已撤回：没有人能再看到它。",
	"The card has changed. Nothing to do.":                "卡片已更新，无需处理。",
	"It changes a card. If the card has not changed, update it again; if its code is used or too old, send a new card.": "这是对卡片的更新。若卡片未变，请再次更新；若其 response_code 已用过或已过期，请发送新卡片。",

	"state: scheduled": "定时", "state: queued": "排队", "state: held": "暂缓", "state: sending": "发送中",
	"state: accepted": "成功", "state: partial": "部分成功", "state: rejected": "被拒", "state: unknown": "未知",
	"state: expired": "过期", "state: cancelled": "已取消",

	"app: running": "运行中", "app: paused": "已暂停", "app: penalty": "限流冷却中", "app: suspended": "已挂起", "app: unavailable": "企业微信无响应",

	"advice: scheduled": "将在预定时间发送，现在仍可取消。",
	"advice: queued":    "等待 worker 或下一次尝试，无需处理；若长时间不变，请检查是否有 worker 在运行。",
	"advice: held":      "暂缓发送，原因见上。原因消除或应用恢复后会自动发送。",
	"advice: sending":   "正在发送，请稍后再看。",
	"advice: accepted":  "企业微信已全部接受，无需处理。",
	"advice: partial":   "企业微信已接受，但以下接收人除外。待他们可以接收后重发，只会发给这些人。",
	"advice: rejected":  "无人收到。排除原因后重发；如果消息本身有误，请另发一条新消息。",
	"advice: unknown":   "企业微信没有说明是否接受。请先询问接收人；只有未收到时才重发，否则会收到两次。",
	"advice: expired":   "未能在期限之前发送。如仍有必要，请另发一条新消息。",
	"advice: cancelled": "在发送前已取消，无需处理。",

	"broadcast: creating": "未发送", "broadcast: awaiting_approval": "待审批", "broadcast: scheduled": "定时",
	"broadcast: running": "发送中", "broadcast: paused": "已暂停", "broadcast: cancelled": "已取消", "broadcast: finished": "已完成",

	"act: created": "创建", "act: paused": "暂停", "act: resumed": "恢复", "act: cancelled": "取消", "act: approved": "批准",

	"type: text": "文本", "type: markdown": "markdown", "type: textcard": "文本卡片", "type: news": "图文",

	"end: quota": "受今日额度限制，预计%s完成。", "end: hours": "在发送时段内，预计%s完成。", "end: rate": "按设定速率，预计%s完成。",
	"end: app": "预计%s完成。",
	"today %s": "今天 %s ", "tomorrow %s": "明天 %s ",

	"done: replayed":            "已重发，这是新消息。",
	"done: recalled":            "已从企业微信客户端撤回。",
	"done: cancelled":           "已取消，不会发送。",
	"done: paused":              "已暂停。进行中的调用会完成，不再发送新消息。",
	"done: resumed":             "已恢复。",
	"done: broadcast-cancelled": "已对尚未收到的人取消。进行中的调用会完成。",
	"done: created":             "已创建。",
	"done: approved":            "已批准。",
}
