"""The HTTP side that every service has. One resource of a service looks like this:

    routes = router("credentials", "/v1/credentials")                    # app.py
    Writer = Annotated[Principal, Depends(require("credentials:write"))]  # auth.py

    class IssueBody(Body):                                               # body.py
        achievement: UUID
        recipient: Email

    @routes.post("", status_code=201, response_model=CredentialAnswer)
    async def issue(body: IssueBody, request: Request, who: Writer, here: Here) -> Response:
        async with here.db.tenant(who.institution) as tx:
            async def command() -> Result:                               # idempotency.py
                issued = await issue_credential(tx, who.institution, body, now=here.clock())
                return Result(201, shown(issued), {"ETag": etag(issued.version)})
            return await once(tx, request, who, command)

    @routes.get("", response_model=CredentialList)
    async def listing(who: Reader, here: Here, asked: Asked) -> Any:     # paging.py
        after = asked.after(UUID)
        async with here.db.tenant(who.institution) as tx:
            rows = await credentials.page(tx, after, asked.rows)
        return asked.page(rows, item=shown)

and main.py builds `create_app(…, routers=[routes])` and runs `serve(app, …, components=[relay, consumer])`.
"""
