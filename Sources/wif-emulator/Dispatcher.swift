import Federation
import FoundationEssentials
import Kernel
import Serving
import Text

/// Answers what arrives at one listener: notes it, asks the roles, lets faults happen.
struct Dispatcher: Sendable {
    let world: World
    let control: Control
    let roles: [(name: RoleName, role: any Role)]

    func answer(_ request: HTTPServerRequest, peer: String) async -> HTTPServerResponse {
        if request.path.hasPrefix(Control.prefix) { return control.answer(request) }
        let owner = roles.first { $0.role.owns(request) }
        let taken = world.faults.take(for: request, role: owner?.name.rawValue)
        let number = world.journal.record(
            Journal.Entry(
                request: request,
                peer: peer,
                time: world.clock.now.secondsSinceEpoch,
                role: owner?.name.rawValue,
                fault: taken?.number
            )
        )
        let response = await respond(request, owner?.role, taken?.fault)
        world.journal.update(number) { $0.status = response.status }
        return response
    }

    private func respond(
        _ request: HTTPServerRequest,
        _ role: (any Role)?,
        _ fault: Fault?
    ) async -> HTTPServerResponse {
        guard let fault else { return real(request, role) }
        return await fault.distort { real(request, role) }
    }

    private func real(_ request: HTTPServerRequest, _ role: (any Role)?) -> HTTPServerResponse {
        var response: HTTPServerResponse
        do {
            response = try role?.answer(request) ?? HTTPServerResponse(status: 404, text: "")
        } catch {
            response = HTTPServerResponse(status: 500, text: "\(error)\n")
        }
        if response.headers["Date"] == nil {
            response.headers.append(HTTPField("Date", httpDate(of: world.clock.now)))
        }
        return response
    }
}
