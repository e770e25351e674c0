------------------------------ MODULE Session ------------------------------
(* One lock that its holder A keeps alive by a session, B who waits for the   *)
(* lock, and one operator who changes the tenure from outside. It is about    *)
(* the session's record, the move to it, its death, and its marks; Lock.tla   *)
(* is about everything else. Time and requests are as there.                  *)
EXTENDS Integers, FiniteSets

CONSTANTS
  Lease,      \* of the lock, and of the session: they have the same
  Drift, Offsets,
  Look,       \* how long A goes on looking after a mark: not less than Lease
  Lag,        \* how long after its mark a change from outside can be carried out
  Renewals,   \* of the session
  Moves,      \* to the session, and back to a lease of the lock's own
  Moved,      \* whether the lock is in the session from the start
  Kinds,      \* what the operator may do: "end", "attach"
  Ways,       \* how B finds that the session ended: "clock", "observation"
  DeleteFirst, \* B takes over only once the session's record was deleted
  Dropped

VARIABLES lock, srec, a, b, read, look, op, sent
vars == <<lock, srec, a, b, read, look, op, sent>>

Rule(r) == r \notin Dropped
Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Least(x, y) == IF x < y THEN x ELSE y
Down(x, least) == IF x > least THEN x - 1 ELSE least

MaxRead == 2             \* how long a read that ends a session may take
Past == -(MaxRead + 1)
Endless == 99
Belief(exp) == Least(Lease + Drift, exp)

None == [st |-> "none", age |-> 0, ended |-> 0, good |-> FALSE, seq |-> 0, exp |-> 0]

Init ==
  /\ \E off \in Offsets :
       /\ lock = [n |-> "A", seq |-> 1, exp |-> IF Moved THEN Endless ELSE Lease + off, sess |-> Moved]
       /\ srec = [there |-> TRUE, seq |-> 1, exp |-> Lease + off, marks |-> 0]
       \* sess, own: for how long the session and the lock's own lease are
       \* believed; cap bounds it after a mark.
       /\ a = [where |-> IF Moved THEN "session" ELSE "own",
               own |-> Belief(Lease + off), sess |-> Belief(Lease + off),
               sseq |-> 1, seq |-> 1, cap |-> Endless, seen |-> 0, looks |-> 0]
       \* The creation of the session may be carried out again.
       /\ sent = {[op |-> "create", seq |-> 0, exp |-> Lease + off, bel |-> 0]}
  /\ b = [st |-> "idle", until |-> 0, dead |-> FALSE, obs |-> 0, left |-> 0]
  /\ read = None
  /\ look = [st |-> "none", shows |-> ""]
  /\ op = [phase |-> "", since |-> 0, lag |-> 0, done |-> FALSE]

Gone == [where |-> "lost", own |-> 0, sess |-> 0, sseq |-> 0, seq |-> 0, cap |-> 0, seen |-> 0, looks |-> 0]

(* What A believes of the lock.                                               *)
Left ==
  CASE a.where = "own" -> a.own
    [] a.where = "moving" -> IF Rule("ShorterWhileMoving") THEN Least(a.own, a.sess) ELSE a.own
    [] a.where = "session" -> Least(a.sess, a.cap)
    [] a.where = "leaving" -> IF Rule("ShorterWhileLeaving") THEN Least(a.own, Least(a.sess, a.cap))
                                                             ELSE Least(a.sess, a.cap)
    [] a.where = "lost" -> 0
ABelieves == Left > 0
BBelieves == b.until > 0

(* A session that ended takes its locks with it, one that is moving too.      *)
Lost(x) ==
  IF /\ (x.sess = 0 \/ x.cap = 0)
     /\ Rule("EndedStaysEnded")
     /\ \/ x.where \in {"session", "leaving"}
        \/ x.where = "moving" /\ Rule("ShorterWhileMoving")
    THEN Gone
    ELSE IF \/ x.where \in {"own", "moving"} /\ x.own = 0
            \/ x.where = "leaving" /\ x.own = 0 /\ Rule("ShorterWhileLeaving") THEN Gone ELSE x

Of(kind) == {m \in sent : m.op = kind}
Send(m) == sent' = sent \cup {m}

-----------------------------------------------------------------------------
(* A *)

RenewSession ==
  /\ a.sess > 0 /\ Cardinality(Of("srenew")) < Renewals
  /\ \E off \in Offsets :
       Send([op |-> "srenew", seq |-> a.sseq, exp |-> Lease + off, bel |-> Belief(Lease + off)])
  /\ UNCHANGED <<lock, srec, a, b, read, look, op>>

Move ==
  /\ a.where = "own" /\ Left > 0 /\ a.sess > 0 /\ Cardinality(Of("move")) < Moves
  /\ Send([op |-> "move", seq |-> a.seq, exp |-> 0, bel |-> 0])
  /\ a' = [a EXCEPT !.where = "moving"]
  /\ UNCHANGED <<lock, srec, b, read, look, op>>

(* A renewal of the lock itself gives it a lease of its own again.            *)
RenewLock ==
  /\ Left > 0 /\ Cardinality(Of("renew")) < Moves
  /\ \E off \in Offsets :
       /\ Send([op |-> "renew", seq |-> a.seq, exp |-> Lease + off, bel |-> Belief(Lease + off)])
       /\ a' = IF a.where \in {"session", "leaving"}
                 THEN [a EXCEPT !.where = "leaving",
                         !.own = IF a.where = "session" THEN Belief(Lease + off) ELSE Least(@, Belief(Lease + off))]
                 ELSE a
  /\ UNCHANGED <<lock, srec, b, read, look, op>>

(* A consistent read of the lock, asked for once a mark was seen.             *)
AskLook ==
  /\ look.st = "none" /\ a.where \in {"session", "leaving"} /\ a.cap # Endless
  /\ look' = [st |-> "asked", shows |-> ""]
  /\ UNCHANGED <<lock, srec, a, b, read, op, sent>>

MakeLook ==
  /\ look.st = "asked"
  /\ look' = [st |-> "made", shows |-> CASE lock.n # "A" -> "lost"
                                         [] lock.sess -> "session"
                                         [] OTHER -> "own"]
  /\ UNCHANGED <<lock, srec, a, b, read, op, sent>>

AnswerLook ==
  /\ look.st = "made"
  /\ look' = [st |-> "none", shows |-> ""]
  /\ a' = CASE a.where \notin {"session", "leaving"} -> a
            [] look.shows = "lost" -> Gone
            [] look.shows = "session" -> [a EXCEPT !.cap = Endless]
            [] OTHER -> [a EXCEPT !.seq = lock.seq]   \* and it is renewed for itself
  /\ UNCHANGED <<lock, srec, b, read, op, sent>>

(* The answer to a renewal of the session, with the count of marks.           *)
SessionAnswer(bel, seq) ==
  LET looking == srec.marks # a.seen \/ a.looks > 0
      on == a.sess > 0 \/ ~Rule("EndedStaysEnded")
  IN [a EXCEPT
       !.sess = IF on THEN bel ELSE 0, !.sseq = seq,
       !.seen = srec.marks,
       !.looks = IF srec.marks # a.seen /\ Rule("LookOn") THEN Look ELSE @,
       !.cap = IF looking /\ Rule("BoundByFormerBelief") THEN Least(@, a.sess) ELSE @]

-----------------------------------------------------------------------------
(* B *)

ObserveSession ==
  /\ "observation" \in Ways /\ srec.there /\ b.obs # srec.seq
  /\ b' = [b EXCEPT !.obs = srec.seq, !.left = Lease + Drift]
  /\ UNCHANGED <<lock, srec, a, read, look, op, sent>>

(* A consistent read of the session's record: asked for, made, answered.      *)
Ask ==
  /\ read.st = "none" /\ ~b.dead /\ b.st = "idle" /\ lock.n = "A"
  /\ read' = [None EXCEPT !.st = "asked", !.ended = IF b.left = 0 THEN b.obs ELSE 0]
  /\ UNCHANGED <<lock, srec, a, b, look, op, sent>>

Make ==
  /\ read.st = "asked"
  /\ read' = [read EXCEPT !.st = "made", !.seq = srec.seq, !.exp = srec.exp, !.good = srec.there]
  /\ UNCHANGED <<lock, srec, a, b, look, op, sent>>

(* Its end, as the read shows it, had passed when it was asked for.           *)
Ended ==
  \/ "clock" \in Ways /\ read.exp < (IF Rule("JudgedWhenAsked") THEN -read.age ELSE 0)
  \/ IF Rule("JudgedWhenAsked") THEN read.ended = read.seq ELSE b.obs = read.seq /\ b.left = 0

AnswerRead ==
  /\ read.st = "made"
  /\ read' = None
  /\ b' = [b EXCEPT !.dead = ~read.good \/ (Ended /\ ~DeleteFirst)]
  /\ sent' = IF read.good /\ Ended
               THEN sent \cup {[op |-> "sdelete", seq |-> read.seq, exp |-> 0, bel |-> 0]} ELSE sent
  /\ UNCHANGED <<lock, srec, a, look, op>>

Take ==
  /\ b.st = "idle" /\ Of("take") = {}
  /\ \/ lock.n = "A" /\ lock.sess /\ b.dead
     \/ lock.n = "A" /\ ~lock.sess /\ lock.exp < 0
     \/ lock.n = ""
  /\ \E off \in Offsets :
       Send([op |-> "take", seq |-> lock.seq, exp |-> Lease + off, bel |-> Belief(Lease + off)])
  /\ b' = [b EXCEPT !.st = "taking"]
  /\ UNCHANGED <<lock, srec, a, read, look, op>>

-----------------------------------------------------------------------------
(* The operator: a mark, the change, a mark. He may stop between any two.     *)

Mark1 ==
  /\ Kinds # {} /\ op.phase = "" /\ lock.n = "A" /\ lock.sess
  /\ srec' = IF srec.there /\ Rule("MarkBefore") THEN [srec EXCEPT !.marks = @ + 1] ELSE srec
  /\ op' = [op EXCEPT !.phase = "marked", !.lag = Lag]
  /\ UNCHANGED <<lock, a, b, read, look, sent>>

Change ==
  /\ op.phase = "marked"
  /\ \E kind \in Kinds, off \in Offsets :
       Send([op |-> kind, seq |-> lock.seq, bel |-> 0,
             exp |-> Lease + off + IF Rule("AttachOutlasts") THEN Lag ELSE 0])
  /\ op' = [op EXCEPT !.phase = "sent"]
  /\ UNCHANGED <<lock, srec, a, b, read, look>>

Mark2 ==
  /\ op.phase = "sent" /\ op.done
  /\ srec' = IF srec.there THEN [srec EXCEPT !.marks = @ + 1] ELSE srec
  /\ op' = [op EXCEPT !.phase = "over"]
  /\ UNCHANGED <<lock, a, b, read, look, sent>>

-----------------------------------------------------------------------------
(* Carrying out, with the answer or without it. Only an answer to a write for *)
(* the seq that A knows is still waited for.                                  *)

OnSession(m) ==
  LET holds == CASE m.op = "create" -> ~srec.there
                 [] OTHER -> srec.there /\ srec.seq = m.seq
      was == {k.bel : k \in {k \in Of("srenew") : k.seq + 1 = srec.seq /\ k.exp = srec.exp}}
  IN /\ srec' = CASE ~holds -> srec
                  [] m.op = "create" -> [there |-> TRUE, seq |-> 1, exp |-> m.exp, marks |-> 0]
                  [] m.op = "srenew" -> [srec EXCEPT !.seq = m.seq + 1, !.exp = m.exp]
                  [] m.op = "sdelete" -> [there |-> FALSE, seq |-> 0, exp |-> Past, marks |-> 0]
     /\ \E heard \in BOOLEAN :
          LET new == CASE ~heard \/ a.where = "lost" \/ m.op # "srenew" \/ m.seq # a.sseq -> a
                       [] holds -> SessionAnswer(m.bel, m.seq + 1)
                       [] ~holds /\ srec.there /\ was # {} -> SessionAnswer(Min(was), srec.seq)
                       [] ~srec.there -> Lost([a EXCEPT !.sess = 0])
                       [] OTHER -> a
          IN /\ a' = new
             \* A look that was asked for before shows an older state.
             /\ look' = IF new # a /\ new.cap # Endless /\ Rule("LookAfterAnswer") THEN [st |-> "none", shows |-> ""] ELSE look
     /\ b' = IF m.op = "sdelete" /\ holds THEN [b EXCEPT !.dead = TRUE] ELSE b
     /\ UNCHANGED <<lock, read, op, sent>>

OnLock(m) ==
  LET holds == lock.n = "A" /\ lock.seq = m.seq
      own == {k.bel : k \in {k \in Of("renew") : k.seq + 1 = lock.seq /\ k.exp = lock.exp}}
  IN /\ lock' = CASE ~holds -> lock
                  [] m.op = "move" -> [lock EXCEPT !.seq = @ + 1, !.sess = TRUE, !.exp = Endless]
                  [] m.op = "renew" -> [lock EXCEPT !.seq = @ + 1, !.sess = FALSE, !.exp = m.exp]
     /\ \E heard \in BOOLEAN :
          a' = CASE ~heard \/ a.where = "lost" \/ m.seq # a.seq -> a
                 [] holds /\ m.op = "move" -> IF Left > 0 THEN [a EXCEPT !.where = "session", !.seq = m.seq + 1] ELSE Gone
                 [] holds /\ m.op = "renew" ->
                      IF Left > 0 THEN [a EXCEPT !.where = "own", !.own = m.bel, !.seq = m.seq + 1, !.cap = Endless] ELSE Gone
                 [] ~holds /\ lock.n # "A" -> Gone
                 [] ~holds /\ lock.sess /\ a.where = "moving" -> [a EXCEPT !.where = "session", !.seq = lock.seq]
                 [] ~holds /\ ~lock.sess /\ own # {} ->
                      IF Left > 0 THEN [a EXCEPT !.where = "own", !.own = Min(own), !.seq = lock.seq, !.cap = Endless] ELSE Gone
                 [] OTHER -> [a EXCEPT !.seq = lock.seq]
     /\ UNCHANGED <<srec, b, read, look, op, sent>>

OnTake(m) ==
  LET holds == lock.n # "B" /\ lock.seq = m.seq
  IN /\ lock' = IF holds THEN [n |-> "B", seq |-> m.seq + 10, exp |-> m.exp, sess |-> FALSE] ELSE lock
     /\ \E heard \in BOOLEAN :
          b' = CASE heard /\ holds -> [b EXCEPT !.st = "held", !.until = m.bel]
                 [] OTHER -> b
     /\ UNCHANGED <<srec, a, read, look, op, sent>>

OnChange(m) ==
  LET holds == /\ lock.n = "A" /\ lock.seq = m.seq
               /\ Rule("ChangeInTime") => op.lag > 0
  IN /\ holds
     /\ lock' = CASE m.op = "end" -> [n |-> "", seq |-> m.seq + 1, exp |-> Past, sess |-> FALSE]
                  [] m.op = "attach" -> [lock EXCEPT !.seq = m.seq + 1, !.exp = m.exp, !.sess = FALSE]
     /\ op' = [op EXCEPT !.done = TRUE, !.since = IF m.op = "end" THEN Lease + Drift ELSE -1]
     /\ UNCHANGED <<srec, a, b, read, look, sent>>

CarryOut(m) ==
  CASE m.op \in {"create", "srenew", "sdelete"} -> OnSession(m)
    [] m.op \in {"move", "renew"} -> OnLock(m)
    [] m.op = "take" -> OnTake(m)
    [] m.op \in {"end", "attach"} -> OnChange(m)

-----------------------------------------------------------------------------
Exp(x) == IF x = Endless THEN x ELSE Down(x, Past)

Tick ==
  /\ lock' = [lock EXCEPT !.exp = Exp(@)]
  /\ srec' = [srec EXCEPT !.exp = Exp(@)]
  /\ a' = Lost([a EXCEPT !.own = Down(@, 0), !.sess = Down(@, 0), !.looks = Down(@, 0),
                         !.cap = IF @ = Endless THEN @ ELSE Down(@, 0)])
  /\ b' = [b EXCEPT !.until = Down(@, 0), !.left = Down(@, 0)]
  \* A read that takes longer than this would not end anything.
  /\ read.st # "none" => read.age < MaxRead
  /\ read' = IF read.st = "none" THEN read
             ELSE [read EXCEPT !.age = @ + 1, !.exp = IF read.st = "made" THEN Down(@, Past) ELSE @]
  /\ op' = [op EXCEPT !.since = IF @ < 0 THEN @ ELSE Down(@, 0), !.lag = Down(@, 0)]
  /\ sent' = {[m EXCEPT !.exp = Exp(@), !.bel = Down(@, 0)] : m \in sent}
  /\ UNCHANGED look

Next ==
  \/ Tick \/ RenewSession \/ Move \/ RenewLock \/ AskLook \/ MakeLook \/ AnswerLook
  \/ ObserveSession \/ Ask \/ Make \/ AnswerRead \/ Take
  \/ Mark1 \/ Change \/ Mark2
  \/ \E m \in sent : CarryOut(m)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Who ends a tenure from outside is the exception, who attaches is not.      *)
EndedOutside == op.done /\ op.since >= 0

OneBeliever == ABelieves /\ BBelieves => EndedOutside

(* And that lasts for a lease of the session at most.                         *)
ExceptionBounded == EndedOutside /\ ABelieves => op.since > 0

BelieverHasItem == ABelieves /\ ~EndedOutside => lock.n = "A"

StaysLost == [][a.where = "lost" => a'.where = "lost"]_vars
=============================================================================
